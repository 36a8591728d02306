//! CQRS506: a compound index is of indexes: what to write instead.

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
#[cqrs(index(customer, weight))]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[index]
    pub customer: CustomerId,
    #[index]
    pub weight: u32,
    #[index]
    pub sent: i64,
    #[index]
    pub stamps: Vec<String>,
}
