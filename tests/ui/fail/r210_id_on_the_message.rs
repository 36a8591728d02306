//! CQRS210: `#[id(..)]` says which aggregate a parameter is
//!
//! The fault: `cmd.order`

include!("../shop.rs");

#[command]
fn ship(#[id(cmd.order)] cmd: Ship, _order: &Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
