//! CQRS203: a decision is pure, under any name
//!
//! The fault: `Carrier`

include!("../shop.rs");

pub type Carrier = State<u8>;

#[command]
fn ship(cmd: Ship, _carrier: Carrier) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
