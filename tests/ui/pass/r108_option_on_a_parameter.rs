//! CQRS108: options belong inside their macro: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: &Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
