//! CQRS208: an aggregate is loaded by a name
//!
//! The fault: `_`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _: &Order) -> Result<Shipped, Refused> {
    let _order = &cmd;
    Ok(Shipped { order: cmd.order })
}

fn main() {}
