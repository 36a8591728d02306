//! CQRS504: a fan-out has many rows, and no one identity
//!
//! The fault: `&OrderId`

include!("../shop.rs");

#[projection(on = [Created])]
impl Summary {
    #[by(customer)]
    fn created(&mut self, _: &Created, _id: &OrderId) {
        self.total += 1;
    }
}

fn main() {}
