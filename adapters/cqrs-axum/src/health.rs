//! `/health/live` and `/health/ready`, for probes.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use cqrs_runtime::App;
use serde_json::json;

use crate::incoming::json_answer;

/// 503 if only a restart helps.
pub(crate) async fn live(app: App) -> Response {
    let health = app.health().await;
    answer(health.is_alive(), health.status)
}

/// 503 if the app should get no requests.
pub(crate) async fn ready(app: App) -> Response {
    let health = app.health().await;
    answer(health.is_ready(), health.status)
}

/// The status alone: the problems contain texts of databases, which are for operators.
fn answer(good: bool, status: cqrs_runtime::app::HealthStatus) -> Response {
    let code = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = json_answer(code, json!({ "status": status }).to_string());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
