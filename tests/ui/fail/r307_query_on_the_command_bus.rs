//! CQRS307: a query is asked
//!
//! The fault: `q`

include!("../shop.rs");

#[query]
async fn count(_q: Count) -> Result<u64, QueryError> {
    Ok(0)
}

pub async fn run(app: App, q: Count) {
    app.commands().execute(q).await.ok();
}

fn main() {}
