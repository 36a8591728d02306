//! CQRS211: a handler returns what its command declares: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = OrderId, error = Refused)]
pub struct Open {
    pub order: OrderId,
}

#[command]
fn open(cmd: Open, meta: &Meta) -> Result<Decision<Shipped, OrderId>, Refused> {
    let _ = meta;
    Ok(emit(Shipped { order: cmd.order }).returning(cmd.order))
}
