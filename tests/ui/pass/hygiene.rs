//! All macros in a crate that allows nothing.

#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unused_qualifications)]

use ::core::convert::Infallible;
use ::core::result::Result;
use ::cqrs_runtime::{Absent, Command, Event, Events, Id, Query, QueryError, Uuid, View, Views};
use ::cqrs_runtime::{aggregate, command, projection, query};
use ::serde::{Deserialize, Serialize};

/// An id.
#[derive(Id)]
pub struct OrderId(Uuid);
/// An event.
#[derive(Event, Serialize, Deserialize)]
pub struct Created {
    /// Which.
    #[tag]
    pub order: OrderId,
}
/// An event.
#[derive(Event, Serialize, Deserialize)]
pub struct Shipped {
    /// Which.
    #[tag]
    pub order: OrderId,
}
/// One of them.
#[derive(Events)]
pub enum Outcome {
    /// This.
    Shipped(Shipped),
}
/// A command.
#[derive(Command, Serialize, Deserialize)]
pub struct Create {
    /// Which.
    pub order: OrderId,
}
/// A command.
#[derive(Command, Serialize, Deserialize)]
pub struct Ship {
    /// Which.
    pub order: OrderId,
}
/// A query.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = bool)]
pub struct IsShipped {
    /// Which.
    pub order: OrderId,
}
/// A view.
#[derive(View, Serialize, Deserialize)]
pub struct Summary {
    /// Which.
    #[key]
    pub order: OrderId,
    /// Whether.
    #[index]
    pub shipped: bool,
    /// What is no index.
    pub r#type: u8,
}
/// An aggregate.
pub struct Order;

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Order {
    fn created(_: &Created) -> Self {
        Order
    }
    fn shipped(&mut self, _: &Shipped) {}
}

#[projection(on = [Created, Shipped])]
impl Summary {
    fn created(event: &Created) -> Self {
        Summary { order: event.order, shipped: false, r#type: 0 }
    }
    fn shipped(&mut self, _: &Shipped) {
        self.shipped = true;
    }
}

#[command]
fn create(cmd: Create, _order: Absent<Order>) -> Result<Created, Infallible> {
    Result::Ok(Created { order: cmd.order })
}

#[command]
async fn ship(cmd: Ship, _order: &Order) -> Result<Outcome, Infallible> {
    Result::Ok(Outcome::Shipped(Shipped { order: cmd.order }))
}

#[query]
async fn is_shipped(q: IsShipped, views: Views<Summary>) -> Result<bool, QueryError> {
    Result::Ok(views.get(q.order).await?.is_some_and(|view| view.shipped))
}

fn main() {}
