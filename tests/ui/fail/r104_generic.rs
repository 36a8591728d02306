//! CQRS104: a message is one type
//!
//! The fault: `T`

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = bool)]
pub struct IsIn<T> {
    pub place: T,
}

fn main() {}
