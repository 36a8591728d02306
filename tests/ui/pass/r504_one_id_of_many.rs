//! CQRS504: a fan-out has many rows, and no one identity: what to write instead.

include!("../shop.rs");

#[projection(on = [Created])]
impl Summary {
    #[by(customer)]
    fn created(&mut self, _: &Created) {
        self.total += 1;
    }
}
