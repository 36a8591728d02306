//! CQRS505: a projection makes a view: what to write instead.

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
}

#[projection(on = [Created])]
impl Parcel {
    fn created(e: &Created) -> Self {
        Parcel { order: e.order }
    }
}
