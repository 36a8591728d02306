//! CQRS203: a decision takes aggregates
//!
//! The fault: `Summary`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: &Summary) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
