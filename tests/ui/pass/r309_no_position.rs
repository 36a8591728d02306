//! CQRS309: a query that reads its caller's own writes says how far they go: what to write instead.

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = u64, consistency = read_your_writes)]
pub struct CountMine {}

#[query]
async fn count(_q: CountMine) -> Result<u64, QueryError> {
    Ok(0)
}

pub async fn run(app: App, receipt: Receipt) {
    app.queries().after(receipt.position()).ask(CountMine {}).await.ok();
}
