//! A state that only one thread may hold: the first error says so of the aggregate, and the compiler adds which field it is.

include!("../shop.rs");

pub struct Parcel {
    pub notes: std::rc::Rc<str>,
}

#[aggregate(id = OrderId, on = [Created])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel { notes: "".into() }
    }
}

fn main() {}
