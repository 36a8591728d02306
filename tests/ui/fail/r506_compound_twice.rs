//! CQRS506: a field is in a compound index once
//!
//! The fault: `sent`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
#[cqrs(index(customer, sent, sent))]
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

fn main() {}
