//! CQRS207: what is executed is handled
//!
//! The fault: `cmd`

include!("../shop.rs");

fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

pub async fn run(app: App, cmd: Ship) {
    app.commands().execute(cmd).await.ok();
    let _ = ship;
}

fn main() {}
