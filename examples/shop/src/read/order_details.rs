//! All about one order.

use cqrs_runtime::prelude::*;
use schemars::JsonSchema;

use crate::contracts::{
    CustomerId, Money, OrderCancelled, OrderConfirmed, OrderCreated, OrderId, OrderShipped, ProductId, Status,
};

/// All about one order.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
pub struct OrderDetail {
    /// Which order.
    #[key]
    pub order: OrderId,
    /// Who ordered.
    pub customer: CustomerId,
    /// What.
    pub lines: Vec<DetailLine>,
    /// What the lines come to.
    pub subtotal: Money,
    /// The tax on them.
    pub tax: Money,
    /// The price of sending it.
    pub shipping: Money,
    /// What the customer pays.
    pub total: Money,
    /// How far it has come.
    pub status: Status,
    /// The carrier's number of the parcel, once it is on its way.
    pub tracking_number: Option<String>,
    /// Why it was called off, if it was.
    pub cancelled_because: Option<String>,
    /// Since when it has been what, oldest first.
    pub timeline: Vec<TimelineEntry>,
}

/// One line of an order, summed up.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
pub struct DetailLine {
    /// What was ordered.
    pub product: ProductId,
    /// Its name on the day of the order.
    pub product_name: String,
    /// How many.
    pub quantity: u32,
    /// What one cost.
    pub unit_price: Money,
    /// What the line comes to.
    pub line_total: Money,
}

/// From when on an order had a status.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
pub struct TimelineEntry {
    /// Which status.
    pub status: Status,
    /// From when on.
    pub at: Timestamp,
}

#[projection(on = [OrderCreated, OrderConfirmed, OrderShipped, OrderCancelled])]
impl OrderDetail {
    fn created(event: &Recorded<OrderCreated>) -> Self {
        let lines = event.lines.iter().map(|line| DetailLine {
            product: line.product.clone(),
            product_name: line.product_name.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            line_total: line.total(),
        });
        Self {
            order: event.order,
            customer: event.customer,
            lines: lines.collect(),
            subtotal: event.subtotal(),
            tax: event.tax,
            shipping: event.shipping,
            total: event.total(),
            status: Status::Pending,
            tracking_number: None,
            cancelled_because: None,
            timeline: vec![TimelineEntry { status: Status::Pending, at: event.recorded_at() }],
        }
    }

    fn confirmed(&mut self, event: &Recorded<OrderConfirmed>) {
        self.enter(Status::Confirmed, event.recorded_at());
    }

    fn shipped(&mut self, event: &Recorded<OrderShipped>) {
        self.enter(Status::Shipped, event.recorded_at());
        self.tracking_number = Some(event.tracking_number.clone());
    }

    fn cancelled(&mut self, event: &Recorded<OrderCancelled>) {
        self.enter(Status::Cancelled, event.recorded_at());
        self.cancelled_because = Some(event.reason.clone());
    }
}

impl OrderDetail {
    fn enter(&mut self, status: Status, at: Timestamp) {
        self.status = status;
        self.timeline.push(TimelineEntry { status, at });
    }
}

/// What is there to know about an order? Nothing, if there is none.
#[derive(Query, Serialize, Deserialize, Clone, Debug, JsonSchema)]
#[cqrs(returns = Option<OrderDetail>, http = "GET /orders/{order}", not_found_if_null)]
pub struct OrderDetails {
    /// Which.
    pub order: OrderId,
}

#[query]
async fn order_details(q: OrderDetails, orders: Views<OrderDetail>) -> Result<Option<OrderDetail>, QueryError> {
    orders.get(&q.order).await
}
