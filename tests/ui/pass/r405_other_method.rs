//! CQRS405: behaviour belongs in a plain `impl`: what to write instead.

include!("../shop.rs");

pub struct Parcel;

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel
    }
}

impl Parcel {
    pub fn is_heavy(&self) -> bool {
        false
    }
}
