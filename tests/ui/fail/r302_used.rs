//! CQRS302: a handler with a fault is one error, wherever it is used
//!
//! The fault: `&mut Summary`

include!("../shop.rs");

#[query]
async fn count(_q: Count, views: Views<Summary>, _row: &mut Summary) -> Result<u64, QueryError> {
    Ok(views.scan().all().await?.len() as u64)
}

pub async fn uses(app: &App, views: Views<Summary>, row: &mut Summary) -> Option<u64> {
    let called = count(Count {}, views, row).await.ok()?;
    Some(called + app.queries().ask(Count {}).await.ok()?)
}

fn main() {}
