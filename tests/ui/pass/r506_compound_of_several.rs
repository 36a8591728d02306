//! CQRS506: a row has one place in a compound index: what to write instead.

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
#[cqrs(index(customer, sent))]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[index]
    pub customer: CustomerId,
    pub weight: u32,
    #[index]
    pub sent: i64,
    #[index]
    pub stamps: Vec<String>,
}
