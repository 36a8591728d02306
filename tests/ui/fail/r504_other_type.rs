//! CQRS504: an event says which row it is about
//!
//! The fault: `Moved`

include!("../shop.rs");

#[derive(Event, Serialize, Deserialize)]
pub struct Moved {
    #[tag]
    pub order: CustomerId,
}

#[projection(on = [Created, Moved])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
    fn moved(&mut self, _: &Moved) {}
}

fn main() {}
