//! The write side.

use ::core::clone::Clone;
use ::core::convert::Infallible;
use ::core::convert::Into;
use ::core::fmt::Debug;
use ::core::iter::Iterator;
use ::core::option::Option::{self, None, Some};
use ::core::result::Result::{self, Err, Ok};
use ::cqrs_runtime::parameters::{Stale, State, Tx};
use ::cqrs_runtime::{Absent, Command, Decision, Events, Many, Meta, Views, command, emit};
use ::cqrs_sqlite::Sqlite;
use ::cqrs_sqlite::rusqlite::Error as SqlError;
use ::serde::{Deserialize, Serialize};
use ::std::string::{String, ToString};
use ::std::vec::Vec;
use ::thiserror::Error;

use crate::facts::{Noted, Offered, Opened, Order, OrderId, Product, ProductId, Shipped};
use crate::read::Summary;

/// What shipping comes to.
#[derive(Events)]
pub enum Outcome {
    /// It went.
    Shipped(Shipped),
    /// It did not.
    Noted(Noted),
}

/// Why the domain refuses.
#[derive(Debug, Error)]
pub enum Refused {
    /// It is shipped.
    #[error("it is shipped")]
    Shipped,
    /// The database says so.
    #[error(transparent)]
    Database(#[from] SqlError),
}

/// Offers a product.
#[derive(Command, Serialize, Deserialize)]
pub struct Offer {
    /// Which.
    pub product: ProductId,
}

/// Opens an order.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = OrderId)]
pub struct Open {
    /// Which.
    pub order: OrderId,
    /// What for.
    pub products: Vec<ProductId>,
}

/// Ships an order.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Refused)]
pub struct Ship {
    /// Which.
    pub order: OrderId,
    /// By what: the names that expansions use inside are the user's as well.
    pub context: String,
}

/// Notes something.
#[derive(Command, Serialize, Deserialize, Clone)]
#[cqrs(error = Refused)]
pub struct Note {
    /// Which.
    pub order: OrderId,
    /// What.
    pub note: String,
}

/// Counts in a table.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Refused)]
pub struct Count {
    /// Which.
    pub order: OrderId,
}

/// What notes are made with.
pub struct Pen(pub &'static str);

#[command]
fn offer(cmd: Offer, _product: Absent<Product>) -> Result<Offered, Infallible> {
    Ok(Offered { product: cmd.product })
}

#[command]
fn open(
    cmd: Open,
    _order: Absent<Order>,
    #[id(cmd.products.iter().cloned())] products: Many<'_, Product>,
    meta: &Meta,
) -> Result<Decision<Option<Opened>, OrderId>, Infallible> {
    let wanted = products.len() == cmd.products.len() && meta.actor.is_none();
    let opened = wanted.then_some(Opened { order: cmd.order, products: cmd.products });
    Ok(emit(opened).returning(cmd.order))
}

#[command]
fn ship(context: Ship, order: &Order) -> Result<Outcome, Refused> {
    match order {
        Order { shipped: true, .. } => Err(Refused::Shipped),
        Order { notes: 0, .. } => {
            let (order, note) = (context.order, "not yet".to_string());
            Ok(Outcome::Noted(Noted { order, product: None, note }))
        }
        _ => Ok(Outcome::Shipped(Shipped { order: context.order, r#type: context.context })),
    }
}

#[command(retry)]
async fn note(
    cmd: Note,
    order: Option<&Order>,
    pen: State<Pen>,
    summaries: Stale<Views<Summary>>,
) -> Result<Option<Noted>, Refused> {
    let known = summaries.get(cmd.order).await.is_ok();
    let note = ::std::format!("{}: {}", pen.0, cmd.note);
    Ok((order.is_some() && known).then_some(Noted { order: cmd.order, product: None, note }))
}

#[command]
async fn count(Count { order }: Count, #[id(order)] _it: &Order, tx: &mut Tx<Sqlite>) -> Result<[Noted; 1], Refused> {
    let rows = tx.execute("CREATE TABLE IF NOT EXISTS counted (n INTEGER) STRICT", [])?;
    let product = Some("counted".to_string().into());
    Ok([Noted { order, product, note: rows.to_string() }])
}
