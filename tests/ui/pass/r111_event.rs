//! CQRS111: an event is stored as JSON: what to write instead.

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Paid {
    #[tag]
    pub order: OrderId,
}

pub struct Bill;

#[aggregate(id = OrderId, on = [Paid])]
impl Bill {
    fn paid(_: &Paid) -> Self {
        Bill
    }
}

#[command]
fn ship(cmd: Ship, _order: Absent<Bill>) -> Result<Paid, Refused> {
    Ok(Paid { order: cmd.order })
}

#[policy(on = [Paid])]
fn pays(_: &Paid) -> Option<Ship> {
    None
}
