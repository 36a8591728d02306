//! The read side.

use ::core::clone::Clone;
use ::core::iter::Iterator;
use ::core::option::Option::{self, None};
use ::core::result::Result::{self, Ok};
use ::cqrs_runtime::parameters::Tx;
use ::cqrs_runtime::{Meta, Query, QueryError, ReadOnly, Reader, Recorded, State, View, Views, projection, query};
use ::cqrs_sqlite::Sqlite;
use ::cqrs_sqlite::rusqlite::Error as SqlError;
use ::serde::{Deserialize, Serialize};
use ::std::string::String;
use ::std::vec::Vec;

use crate::facts::{Noted, Offered, Opened, Order, OrderId, ProductId, Shipped};

/// An order, summed up.
#[derive(View, Serialize, Deserialize)]
pub struct Summary {
    /// Which.
    #[key]
    pub order: OrderId,
    /// Whether.
    #[index]
    pub shipped: bool,
    /// The last product that a note was about.
    #[index]
    pub product: Option<ProductId>,
    /// A field whose name is a keyword, and without an index.
    pub r#type: String,
}

#[projection(on = Order)]
impl Summary {
    fn opened(event: &Opened) -> Self {
        Self { order: event.order, shipped: false, product: None, r#type: String::new() }
    }
    #[key(event.order)]
    fn shipped(&mut self, event: &Recorded<Shipped>) {
        self.shipped = true;
        self.r#type.clone_from(&event.r#type);
    }
    fn noted(
        self,
        event: &Noted,
        #[id(event.product.clone().unwrap_or_else(|| ProductId::new("nothing")))] product: Option<&Card>,
        id: &OrderId,
    ) -> Option<Self> {
        let known = product.is_some() && self.order == *id;
        let product = if known { event.product.clone() } else { None };
        Option::Some(Self { product, ..self })
    }
}

/// A product's card.
#[derive(View, Serialize, Deserialize)]
pub struct Card {
    /// Which.
    #[key]
    pub product: ProductId,
    /// How often.
    #[index]
    pub opened: i64,
}

/// What makes cards.
pub struct Cards;

#[projection(view = Card, on = [Offered, Opened, Noted])]
impl Cards {
    fn offered(this: Option<Card>, event: &Offered) -> Card {
        this.unwrap_or(Card { product: event.product.clone(), opened: 0 })
    }
    #[keys(event.products.iter().cloned())]
    fn opened(card: &mut Card, event: &Opened) {
        card.opened += 1;
    }
    #[by(opened = -1)]
    fn noted(card: &mut Card, event: &Noted) {
        card.opened = 0;
    }
}

/// Tables.
pub struct Tables;

#[projection(on = [Offered])]
impl Tables {
    async fn offered(tx: &mut Tx<Sqlite>, event: &Offered) -> Result<(), SqlError> {
        let _rows = tx.execute("CREATE TABLE IF NOT EXISTS offered (product TEXT) STRICT", [])?;
        let _rows =
            tx.execute("INSERT INTO offered VALUES (?1)", [::std::string::ToString::to_string(&event.product)])?;
        Ok(())
    }
}

/// The orders that are shipped, or are not.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Summary>)]
pub struct Shippings {
    /// Whether.
    pub shipped: bool,
}

/// How many products were offered.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = i64)]
pub struct CountOffered {}

/// What is added to a count.
pub struct Added(pub i64);

impl ReadOnly for Added {}

#[query]
async fn shippings(q: Shippings, summaries: Views<Summary>, _meta: &Meta) -> Result<Vec<Summary>, QueryError> {
    summaries.find(Summary::SHIPPED.eq(q.shipped)).order_by(Summary::PRODUCT.asc()).all().await
}

#[query]
async fn count_offered(_q: CountOffered, tables: Reader<Sqlite>, added: State<Added>) -> Result<i64, QueryError> {
    let count: i64 =
        tables.query_row("SELECT count(*) FROM offered", [], |row| row.get(0)).map_err(QueryError::failed)?;
    Ok(count + added.0)
}
