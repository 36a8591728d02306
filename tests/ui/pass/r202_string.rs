//! CQRS202: a command handler returns no data: what to write instead.

include!("../shop.rs");

#[command]
fn ship(_cmd: Ship) -> Result<Option<Shipped>, Refused> {
    Ok(Default::default())
}
