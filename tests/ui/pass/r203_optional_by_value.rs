//! CQRS203: an aggregate that may be there is lent: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: Option<&Order>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
