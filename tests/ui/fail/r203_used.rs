//! CQRS203: a handler with a fault is one error, wherever it is used
//!
//! The fault: `State<u8>`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: &Order, _carrier: State<u8>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

pub async fn uses(app: &App, cmd: Ship, again: Ship, carrier: State<u8>) -> bool {
    let _called = ship(cmd, &Order, carrier);
    app.commands().execute(again).await.is_ok_and(|receipt| receipt.events() == 1)
}

fn main() {}
