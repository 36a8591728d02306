//! CQRS113: a client reads answers back
//!
//! The fault: `HowMany {}`

use cqrs_runtime::client::Client;
use cqrs_runtime::prelude::*;

#[derive(Serialize)]
pub struct Number {
    number: u64,
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Number)]
pub struct HowMany {}

pub async fn count(doors: &impl Client) -> Result<u64, QueryError> {
    Ok(doors.ask(HowMany {}).await?.number)
}

fn main() {}
