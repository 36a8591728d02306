//! CQRS203: a decision is pure
//!
//! The fault: `State<u8>`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: &Order, _carrier: State<u8>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
