//! CQRS203: an absence is taken by value: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: Absent<Order>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
