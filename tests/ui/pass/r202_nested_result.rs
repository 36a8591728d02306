//! CQRS202: a handler has one result: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Vec<Shipped>, Refused> {
    Ok(vec![Shipped { order: cmd.order }])
}
