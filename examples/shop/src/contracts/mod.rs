//! What callers send and what the log keeps.

mod commands;
mod errors;
mod events;
mod money;

pub use commands::{CancelOrder, ConfirmOrder, CreateOrder, RegisterCustomer, RenameCustomer, ShipOrder};
pub use errors::{CustomerError, OrderError, TableError};
pub use events::{CustomerRegistered, CustomerRenamed, OrderCancelled, OrderConfirmed, OrderCreated, OrderShipped};
pub use money::Money;

use std::fmt;

use cqrs_runtime::prelude::*;
use schemars::JsonSchema;

/// Names a customer.
#[derive(Id)]
pub struct CustomerId(Uuid);

/// Names an order.
#[derive(Id)]
pub struct OrderId(Uuid);

/// Names a product, as its maker or the shop's catalogue does.
#[derive(Id)]
pub struct ProductId(String);

/// One line of an order.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
pub struct Line {
    /// What is ordered.
    pub product: ProductId,
    /// Its name on the day of the order.
    pub product_name: String,
    /// How many.
    pub quantity: u32,
    /// What one costs.
    pub unit_price: Money,
}

impl Line {
    /// What the whole line costs.
    #[must_use]
    pub fn total(&self) -> Money {
        self.unit_price * self.quantity
    }
}

/// How far an order has come.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum Status {
    /// Made, and not yet confirmed.
    Pending,
    /// Confirmed, and not yet on its way.
    Confirmed,
    /// On its way. Final.
    Shipped,
    /// Called off. Final.
    Cancelled,
}

impl Status {
    /// Whether something can still become of the order.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Confirmed)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Shipped => "shipped",
            Self::Cancelled => "cancelled",
        })
    }
}
