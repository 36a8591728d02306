//! CQRS401: an aggregate with a fault is one error, wherever it is used: what to write instead.

include!("../shop.rs");

pub struct Parcel {
    pub sent: bool,
}

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel { sent: false }
    }
    fn shipped(&mut self, _: &Shipped) {}
}

#[command]
fn ship(cmd: Ship, order: &Parcel, #[id(cmd.order)] again: Option<&Parcel>) -> Result<Option<Shipped>, Refused> {
    Ok((order.sent && again.is_some()).then_some(Shipped { order: cmd.order }))
}

pub fn uses(event: &Created) -> bool {
    Parcel::created(event).sent
}
