//! `/health/live` and `/health/ready`, for probes.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use cqrs_runtime::App;
use serde_json::json;

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
    let mut response = Response::new(Body::from(json!({ "status": status }).to_string()));
    *response.status_mut() = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
