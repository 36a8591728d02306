//! The shop's paths over HTTP.

use axum::Router;
use cqrs_axum::RouteError;
use cqrs_runtime::App;

/// The shop's router: a path for each message, and those by name.
///
/// # Errors
/// The app serves other messages than the shop's.
pub fn router(app: &App) -> Result<Router, RouteError> {
    cqrs_axum::builder(app)
        .route("POST /customers", "RegisterCustomer")
        .route("GET /customers", "CustomersNamed")
        .route("PUT /customers/{customer}/name", "RenameCustomer")
        .route("GET /customers/{customer}/orders", "OrderHistory")
        .route("POST /orders", "CreateOrder")
        .route("GET /orders/{order}", "OrderDetails")
        .route("PUT /orders/{order}/confirmation", "ConfirmOrder")
        .route("PUT /orders/{order}/shipment", "ShipOrder")
        .route("PUT /orders/{order}/cancellation", "CancelOrder")
        .not_found_if_null("OrderDetails")
        .build()
}
