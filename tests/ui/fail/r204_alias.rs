//! CQRS204: a command is not decided on a read model, under any name
//!
//! The fault: `Summaries`

include!("../shop.rs");

pub type Summaries = Views<Summary>;

#[command]
async fn ship(cmd: Ship, _summaries: Summaries) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
