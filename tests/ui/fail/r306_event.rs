//! CQRS306: an event is not asked for
//!
//! The fault: `shipped`

include!("../shop.rs");

#[query]
async fn count(_q: Count) -> Result<u64, QueryError> {
    Ok(0)
}

pub async fn run(app: App, shipped: Shipped) {
    app.queries().ask(shipped).await.ok();
}

fn main() {}
