//! CQRS307: a command is executed
//!
//! The fault: `cmd`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

pub async fn run(app: App, cmd: Ship) {
    app.queries().ask(cmd).await.ok();
}

fn main() {}
