//! CQRS210: an aggregate is loaded by a field of its command: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, order: &Order) -> Result<Shipped, Refused> {
    let _order = order;
    Ok(Shipped { order: cmd.order })
}
