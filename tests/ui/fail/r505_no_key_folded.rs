//! CQRS505: a view has a key, and its events do not suffer for it
//!
//! The fault: `Parcel`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    pub order: OrderId,
}

#[projection(on = [Created])]
impl Parcel {
    fn created(event: &Created) -> Self {
        Parcel { order: event.order }
    }
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Parcel>)]
pub struct Parcels {}

#[query]
async fn parcels(_q: Parcels, parcels: Views<Parcel>) -> Result<Vec<Parcel>, QueryError> {
    parcels.scan().all().await
}

fn main() {}
