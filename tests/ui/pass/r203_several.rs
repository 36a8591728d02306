//! CQRS203: several aggregates are `Many`: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, #[id([cmd.order])] _all: Many<Order>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
