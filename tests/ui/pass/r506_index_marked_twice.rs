//! CQRS506: one index is enough: what to write instead.

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[index]
    pub weight: u32,
}
