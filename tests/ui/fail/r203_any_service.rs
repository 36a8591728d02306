//! CQRS203: a decision takes aggregates, and no service
//!
//! The fault: `Arc`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: std::sync::Arc<u8>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
