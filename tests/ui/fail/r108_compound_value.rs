//! CQRS108: a compound index lists fields
//!
//! The fault: `index`

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
#[cqrs(index("customer", "sent"))]
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
