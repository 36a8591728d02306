//! CQRS505: a view with a fault is one error, wherever it is used
//!
//! The fault: `key`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[key]
    #[index]
    pub customer: CustomerId,
}

#[projection(on = [Created, Shipped])]
impl Parcel {
    fn created(event: &Created) -> Self {
        Parcel { order: event.order, customer: event.customer }
    }
    fn shipped(self, _: &Shipped) -> Option<Self> {
        None
    }
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Parcel>)]
pub struct ParcelsOf {
    pub customer: CustomerId,
}

#[query]
async fn parcels_of(q: ParcelsOf, parcels: Views<Parcel>) -> Result<Vec<Parcel>, QueryError> {
    parcels.find(Parcel::CUSTOMER.eq(q.customer)).order_by(Parcel::CUSTOMER.asc()).all().await
}

fn main() {}
