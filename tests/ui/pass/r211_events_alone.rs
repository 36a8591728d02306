//! CQRS211: a handler returns what its command declares: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = OrderId, error = Refused)]
pub struct Open {
    pub order: OrderId,
}

#[command]
fn open(cmd: Open) -> Result<Decision<Shipped, OrderId>, Refused> {
    Ok(emit(Shipped { order: cmd.order }).returning(cmd.order))
}
