//! CQRS203: a handler takes no bus: what to write instead.

include!("../shop.rs");

#[command]
async fn ship(cmd: Ship, _order: &Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
