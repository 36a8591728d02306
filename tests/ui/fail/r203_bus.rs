//! CQRS203: a handler takes no bus
//!
//! The fault: `CommandBus`

include!("../shop.rs");

#[command]
async fn ship(cmd: Ship, _bus: CommandBus) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
