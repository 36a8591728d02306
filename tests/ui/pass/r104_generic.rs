//! CQRS104: a message is one type: what to write instead.

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = bool)]
pub struct IsIn {
    pub place: String,
}
