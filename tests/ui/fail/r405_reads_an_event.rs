//! CQRS405: what is no fold is written elsewhere, whichever its parameters
//!
//! The fault: `is_about`

include!("../shop.rs");

pub struct Parcel(bool);

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel(true)
    }
    pub fn is_about(&self, _: &Shipped) -> bool {
        self.0
    }
}

fn main() {}
