//! CQRS208: an aggregate is loaded by a name: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, order: &Order) -> Result<Shipped, Refused> {
    let _order = order;
    Ok(Shipped { order: cmd.order })
}
