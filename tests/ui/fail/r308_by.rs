//! CQRS308: a fan-out goes by an index
//!
//! The fault: `total`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Moved {
    #[tag]
    pub customer: CustomerId,
    pub total: i64,
}

#[projection(on = [Created, Moved])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
    #[by(total)]
    fn moved(&mut self, _: &Moved) {}
}

fn main() {}
