//! `#[derive(Query)]` with a path of its own, and who may ask it.

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Option<u64>, http = "GET /orders/{order}/weight", not_found_if_null, requires = "orders:read")]
pub struct Weight {
    pub order: OrderId,
}
