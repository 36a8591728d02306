//! CQRS108: options belong inside their macro
//!
//! The fault: `cqrs`

include!("../shop.rs");

#[command]
fn ship(#[cqrs(retry)] cmd: Ship, _order: &Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
