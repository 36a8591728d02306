//! CQRS601: a policy returns commands
//!
//! The fault: `Result<String, Refused>`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
async fn answer(e: &Created) -> Result<String, Refused> {
    Ok(e.order.to_string())
}

fn main() {}
