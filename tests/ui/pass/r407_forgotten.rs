//! CQRS407: an aggregate folds what is decided on it: what to write instead.

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

#[command]
fn ship(cmd: Ship, #[id(cmd.order)] parcel: &Parcel) -> Result<Returned, Refused> {
    let _ = parcel;
    Ok(Returned { order: cmd.order })
}
