//! CQRS111: a view that a query answers says itself that serde cannot write it
//!
//! The fault: `Parcel`

include!("../shop.rs");

#[derive(View)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Parcel>)]
pub struct Parcels {}

#[query]
async fn parcels(_: Parcels, parcels: Views<Parcel>) -> Result<Vec<Parcel>, QueryError> {
    parcels.all().await
}

pub async fn first(app: App) -> Result<Option<OrderId>, QueryError> {
    let parcels = app.queries().ask(Parcels {}).await?;
    Ok(parcels.first().map(|parcel| parcel.order))
}

fn main() {}
