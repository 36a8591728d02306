//! CQRS203: a decision looks at nothing stale: what to write instead.

include!("../shop.rs");

#[command]
async fn ship(cmd: Ship, _summaries: Stale<Views<Summary>>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
