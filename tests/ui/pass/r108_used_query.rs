//! CQRS108: a query with a fault is one error, wherever it is used: what to write instead.

include!("../shop.rs");

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Summary>)]
pub struct All {
    pub limit: u32,
}

#[query]
async fn all(q: All, views: Views<Summary>) -> Result<Vec<Summary>, QueryError> {
    views.scan().limit(q.limit).all().await
}

pub async fn uses(app: &App) -> Option<Summary> {
    app.queries().ask(All { limit: 1 }).await.ok()?.pop()
}
