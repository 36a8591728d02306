//! CQRS309: a query that reads its caller's own writes says how far they go
//!
//! The fault: `ask`

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = u64, consistency = read_your_writes)]
pub struct CountMine {}

#[query]
async fn count(_q: CountMine) -> Result<u64, QueryError> {
    Ok(0)
}

pub async fn run(app: App) {
    app.queries().ask(CountMine {}).await.ok();
}

fn main() {}
