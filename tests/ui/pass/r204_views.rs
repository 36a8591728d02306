//! CQRS204: a command is not decided on a read model: what to write instead.

include!("../shop.rs");

#[command]
async fn ship(cmd: Ship, _summaries: Stale<Views<Summary>>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
