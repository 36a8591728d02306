//! CQRS210: many aggregates are loaded by ids: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, #[id([cmd.order])] _orders: Many<Order>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
