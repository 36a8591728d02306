//! CQRS105: an event with a fault is one error, wherever it is used: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Sent {
    #[tag]
    pub order: OrderId,
}

pub struct Parcel;

#[aggregate(id = OrderId, on = [Sent])]
impl Parcel {
    fn sent(_: &Sent) -> Self {
        Parcel
    }
}

#[command]
fn send(cmd: Ship, _order: Option<&Parcel>) -> Result<Sent, Refused> {
    Ok(Sent { order: cmd.order })
}

#[projection(on = [Sent])]
impl Summary {
    fn sent(&mut self, event: &Recorded<Sent>) {
        self.order = event.order;
    }
}
