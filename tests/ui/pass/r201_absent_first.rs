//! CQRS201: the command comes first: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: Absent<Order>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
