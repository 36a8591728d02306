//! CQRS307: a query is asked: what to write instead.

include!("../shop.rs");

#[query]
async fn count(_q: Count) -> Result<u64, QueryError> {
    Ok(0)
}

pub async fn run(app: App, q: Count) {
    app.queries().ask(q).await.ok();
}
