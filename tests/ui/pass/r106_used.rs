//! CQRS106: an identifier with a fault is one error, wherever it is used: what to write instead.

include!("../shop.rs");

#[derive(Id)]
pub struct ParcelId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct Sent {
    #[tag]
    pub parcel: ParcelId,
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = ParcelId)]
pub struct Send {
    pub parcel: ParcelId,
}

pub struct Parcel;

#[aggregate(id = ParcelId, on = [Sent])]
impl Parcel {
    fn sent(_: &Sent) -> Self {
        Parcel
    }
}

#[command]
fn send(cmd: Send, _parcel: Absent<Parcel>) -> Result<Decision<Sent, ParcelId>, std::convert::Infallible> {
    Ok(emit(Sent { parcel: cmd.parcel }).returning(cmd.parcel))
}

#[derive(View, Serialize, Deserialize)]
pub struct Row {
    #[key]
    pub parcel: ParcelId,
    #[index]
    pub last: Option<ParcelId>,
}

#[projection(on = [Sent])]
impl Row {
    fn sent(event: &Sent) -> Self {
        Row { parcel: event.parcel, last: Some(event.parcel) }
    }
}

pub fn uses(parcel: ParcelId) -> String {
    format!("{parcel} {parcel:?} {}", parcel == ParcelId::new())
}
