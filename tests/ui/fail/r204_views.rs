//! CQRS204: a command is not decided on a read model
//!
//! The fault: `Views<Summary>`

include!("../shop.rs");

#[command]
async fn ship(cmd: Ship, _summaries: Views<Summary>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
