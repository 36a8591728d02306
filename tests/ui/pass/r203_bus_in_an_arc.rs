//! CQRS203: a bus stays a bus, also inside other types: what to write instead.

include!("../shop.rs");

#[command]
async fn ship(cmd: Ship, _service: State<std::sync::Arc<u8>>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
