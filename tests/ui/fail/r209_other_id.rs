//! CQRS209: an aggregate is loaded by its own id
//!
//! The fault: `cmd`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, #[id(cmd.customer)] _parcel: &Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
