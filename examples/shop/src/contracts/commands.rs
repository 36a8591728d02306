//! Intentions: what callers ask for.

use cqrs_runtime::prelude::*;
use schemars::JsonSchema;

use super::{CustomerError, CustomerId, Line, OrderError, OrderId};

/// Takes up a new customer.
#[derive(Command, Serialize, Deserialize, Clone, Debug, JsonSchema)]
#[cqrs(error = CustomerError, http = "POST /customers")]
pub struct RegisterCustomer {
    /// The caller chooses the id, so that sending the command twice cannot make two customers.
    pub customer: CustomerId,
    /// The customer's name.
    pub name: String,
}

/// Gives a customer another name.
#[derive(Command, Serialize, Deserialize, Clone, Debug, JsonSchema)]
#[cqrs(error = CustomerError, http = "PUT /customers/{customer}/name")]
pub struct RenameCustomer {
    /// Whose.
    pub customer: CustomerId,
    /// The new name.
    pub name: String,
}

/// Takes an order. It is pending until it is confirmed.
#[derive(Command, Serialize, Deserialize, Clone, Debug, JsonSchema)]
#[cqrs(error = OrderError, http = "POST /orders")]
pub struct CreateOrder {
    /// The new order's id.
    pub order: OrderId,
    /// Who orders: a customer that is registered.
    pub customer: CustomerId,
    /// What is ordered, at what prices.
    pub lines: Vec<Line>,
}

/// Confirms a pending order.
#[derive(Command, Serialize, Deserialize, Clone, Debug, JsonSchema)]
#[cqrs(error = OrderError, http = "PUT /orders/{order}/confirmation")]
pub struct ConfirmOrder {
    /// Which.
    pub order: OrderId,
}

/// Sends a confirmed order on its way.
#[derive(Command, Serialize, Deserialize, Clone, Debug, JsonSchema)]
#[cqrs(error = OrderError, http = "PUT /orders/{order}/shipment")]
pub struct ShipOrder {
    /// Which.
    pub order: OrderId,
    /// The carrier's number of the parcel.
    pub tracking_number: String,
}

/// Calls off an order that is pending or confirmed.
#[derive(Command, Serialize, Deserialize, Clone, Debug, JsonSchema)]
#[cqrs(error = OrderError, http = "PUT /orders/{order}/cancellation")]
pub struct CancelOrder {
    /// Which.
    pub order: OrderId,
    /// Why.
    pub reason: String,
}
