//! CQRS304: an answer travels as JSON: what to write instead.

include!("../shop.rs");

#[derive(Serialize)]
pub struct Weight(pub u64);

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Weight)]
pub struct Weigh {}

#[query]
async fn weigh(_: Weigh) -> Result<Weight, QueryError> {
    Ok(Weight(0))
}
