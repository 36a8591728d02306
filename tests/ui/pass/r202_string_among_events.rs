//! CQRS202: a command handler returns no data among its events: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<(Shipped, Option<Shipped>), Refused> {
    Ok((Shipped { order: cmd.order }, Default::default()))
}
