//! CQRS506: each of several values is a column: what to write instead.

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[index]
    pub sizes: std::collections::BTreeSet<u32>,
}
