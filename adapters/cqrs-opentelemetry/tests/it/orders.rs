//! Orders that are packed when they are paid.

use cqrs_opentelemetry::OpenTelemetry;
use cqrs_runtime::log::{EventQuery, MemoryLog};
use cqrs_runtime::prelude::*;
use cqrs_runtime::{AppBuilder, TraceContext};

#[derive(Id)]
pub struct OrderId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct OrderPaid {
    #[tag]
    pub order: OrderId,
}

#[derive(Event, Serialize, Deserialize)]
pub struct OrderPacked {
    #[tag]
    pub order: OrderId,
}

pub struct Order;

#[aggregate(id = OrderId, on = [OrderPaid, OrderPacked])]
impl Order {
    fn paid(_: &OrderPaid) -> Self {
        Self
    }
    fn packed(&mut self, _: &OrderPacked) {}
}

#[derive(Command, Serialize, Deserialize)]
pub struct PayOrder {
    pub order: OrderId,
}

#[command]
fn pay_order(cmd: PayOrder, _order: Absent<Order>) -> Result<OrderPaid, std::convert::Infallible> {
    Ok(OrderPaid { order: cmd.order })
}

#[derive(Command, Serialize, Deserialize)]
pub struct PackOrder {
    pub order: OrderId,
}

#[command]
fn pack_order(cmd: PackOrder, _order: &Order) -> Result<OrderPacked, std::convert::Infallible> {
    Ok(OrderPacked { order: cmd.order })
}

#[policy(on = [OrderPaid])]
fn packing(event: &OrderPaid) -> PackOrder {
    PackOrder { order: event.order }
}

/// A decision with a technical error.
#[derive(Command, Serialize, Deserialize)]
pub struct BreakDown {}

#[command]
fn break_down(_cmd: BreakDown) -> Result<OrderPacked, std::convert::Infallible> {
    panic!("broken")
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = u32)]
pub struct Answer {}

#[query]
async fn answer(_q: Answer, meta: &Meta) -> Result<u32, QueryError> {
    meta.trace.as_ref().map(|_| 42).ok_or_else(|| QueryError::failed("it was asked outside of any trace"))
}

pub fn builder(log: &MemoryLog) -> AppBuilder {
    App::builder().log(log.clone()).traces(OpenTelemetry)
}

/// The traces in an order's events, by name of the event.
pub async fn traces_of(app: &App, order: OrderId) -> Vec<(String, Option<TraceContext>)> {
    let page = app.log().read(&EventQuery::tagged(order.tag()), Position::START, 100).await.unwrap();
    page.events.iter().map(|event| (event.name().to_owned(), event.header().meta.trace.clone())).collect()
}
