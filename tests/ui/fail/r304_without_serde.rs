//! CQRS304: an answer travels as JSON
//!
//! The fault: `Weight`

include!("../shop.rs");

pub struct Weight(pub u64);

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Weight)]
pub struct Weigh {}

#[query]
async fn weigh(_: Weigh) -> Result<Weight, QueryError> {
    Ok(Weight(0))
}

fn main() {}
