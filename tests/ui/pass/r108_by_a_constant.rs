//! CQRS108: rows are found by a field: what to write instead.

include!("../shop.rs");

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    #[index]
    pub customer: CustomerId,
}

#[projection(on = [Created])]
impl Parcel {
    #[by(customer = e.customer)]
    fn created(&mut self, e: &Created) {
        self.customer = e.customer;
    }
}
