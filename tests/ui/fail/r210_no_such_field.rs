//! CQRS210: an aggregate is loaded by a field of its command
//!
//! The fault: `parcel`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, parcel: &Order) -> Result<Shipped, Refused> {
    let _order = parcel;
    Ok(Shipped { order: cmd.order })
}

fn main() {}
