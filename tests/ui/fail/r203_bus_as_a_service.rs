//! CQRS203: a handler takes no bus, not as a service either
//!
//! The fault: `CommandBus`

include!("../shop.rs");

#[command]
async fn ship(cmd: Ship, _bus: State<CommandBus>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
