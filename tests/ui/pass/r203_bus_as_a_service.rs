//! CQRS203: a handler takes no bus, not as a service either: what to write instead.

include!("../shop.rs");

#[command]
async fn ship(cmd: Ship, _bus: State<u8>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
