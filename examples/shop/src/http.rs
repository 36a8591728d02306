//! The shop over HTTP: its messages on the paths that they declare, and the OpenAPI document.

use cqrs_axum::{OpenApi, RouterBuilder};
use cqrs_runtime::App;

/// The shop's router, before it is built.
pub fn api(app: &App) -> RouterBuilder {
    let document = OpenApi::new("Shop", env!("CARGO_PKG_VERSION"))
        .description("Orders of customers: placed, confirmed, and shipped or cancelled.");
    cqrs_axum::builder(app).openapi(document)
}
