//! CQRS405: behaviour belongs in a plain `impl`
//!
//! The fault: `is_heavy`

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
    pub fn is_heavy(&self) -> bool {
        false
    }
}

fn main() {}
