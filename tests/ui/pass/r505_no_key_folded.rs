//! CQRS505: a view has a key, and its events do not suffer for it: what to write instead.

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
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
