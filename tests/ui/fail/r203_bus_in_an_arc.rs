//! CQRS203: a bus stays a bus, also inside other types
//!
//! The fault: `Arc`

include!("../shop.rs");

#[command]
async fn ship(cmd: Ship, _service: State<std::sync::Arc<CommandBus>>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
