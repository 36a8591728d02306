//! CQRS208: a decision has nothing to retry
//!
//! The fault: `retry`

include!("../shop.rs");

#[command(retry)]
fn ship(cmd: Ship, _order: &Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
