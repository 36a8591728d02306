//! CQRS506: a compound index is of indexes
//!
//! The fault: `weight`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
#[cqrs(index(customer, weight))]
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
