//! Facts: what has happened, as the log keeps it for good.

use cqrs_runtime::prelude::*;

use super::{CustomerId, Line, Money, OrderId};

/// A customer was taken up.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct CustomerRegistered {
    /// Who.
    #[tag]
    pub customer: CustomerId,
    /// By this name.
    pub name: String,
}

/// A customer has another name from now on.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct CustomerRenamed {
    /// Who.
    #[tag]
    pub customer: CustomerId,
    /// The new name.
    pub name: String,
}

/// An order was taken.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct OrderCreated {
    /// Which.
    #[tag]
    pub order: OrderId,
    /// Who ordered.
    #[tag]
    pub customer: CustomerId,
    /// What, at what prices.
    pub lines: Vec<Line>,
    /// The tax of that day: another rate later does not change this order.
    pub tax: Money,
    /// The price of sending it.
    pub shipping: Money,
}

impl OrderCreated {
    /// What the lines come to.
    #[must_use]
    pub fn subtotal(&self) -> Money {
        self.lines.iter().map(Line::total).sum()
    }

    /// What the customer pays.
    #[must_use]
    pub fn total(&self) -> Money {
        self.subtotal() + self.tax + self.shipping
    }
}

/// An order was confirmed.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct OrderConfirmed {
    /// Which.
    #[tag]
    pub order: OrderId,
}

/// An order left the house.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct OrderShipped {
    /// Which.
    #[tag]
    pub order: OrderId,
    /// The carrier's number of the parcel.
    pub tracking_number: String,
}

/// An order was called off.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct OrderCancelled {
    /// Which.
    #[tag]
    pub order: OrderId,
    /// Why.
    pub reason: String,
}
