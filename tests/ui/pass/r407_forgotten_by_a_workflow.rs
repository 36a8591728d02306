//! CQRS407: an aggregate folds what a workflow decides on it: what to write instead.

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

#[derive(Events)]
pub enum Outcome {
    Shipped(Shipped),
    Returned(Returned),
}

#[command]
async fn ship(cmd: Ship, #[id(cmd.order)] parcel: Option<&Parcel>) -> Result<Vec<(Outcome, Option<Shipped>)>, Refused> {
    let _ = parcel;
    Ok(vec![(Outcome::Returned(Returned { order: cmd.order }), None)])
}
