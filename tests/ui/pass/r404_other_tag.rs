//! CQRS404: an event is found by its aggregate's id: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Lost {
    #[tag]
    pub order: OrderId,
}

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created, Lost])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    fn lost(&mut self, _: &Lost) {}
}
