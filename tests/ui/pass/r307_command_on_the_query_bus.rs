//! CQRS307: a command is executed: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

pub async fn run(app: App, cmd: Ship) {
    app.commands().execute(cmd).await.ok();
}
