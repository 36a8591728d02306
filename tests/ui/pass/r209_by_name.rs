//! CQRS209: an aggregate is loaded by its own id: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: &Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
