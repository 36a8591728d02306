//! CQRS407: each of many aggregates folds what is decided on it: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Returned {
    #[tag]
    pub order: OrderId,
}

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Shipped], ignore = [Returned])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn shipped(&mut self, _: &Shipped) {}
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = OrderId, error = Refused)]
pub struct Return {
    pub order: OrderId,
}

#[command]
fn take_back(
    cmd: Return,
    #[id(Some(cmd.order))] _parcels: Many<Parcel>,
) -> Result<Decision<Returned, OrderId>, Refused> {
    Ok(emit(Returned { order: cmd.order }).returning(cmd.order))
}
