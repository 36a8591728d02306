//! CQRS506: a compound index has two fields
//!
//! The fault: `customer`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
#[cqrs(index(customer))]
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
