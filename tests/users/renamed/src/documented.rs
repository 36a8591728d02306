//! Docs, other attributes and visibility are the user's: the macros keep them as they are.

#![deny(missing_docs)]

use edition2018_user::contracts::{Offer, Offered, OnShelf, ProductId, ShelvesOf};
use other::prelude::*;

mod inner {
    use super::{aggregate, command, Absent, Deserialize, Event, Id, Offer, Offered, Serialize, Uuid};
    use edition2018_user::contracts::ProductId;

    #[derive(Id)]
    #[cqrs(crate = ::other)]
    pub(super) struct ShelfId(Uuid);

    /// A product was put on a shelf.
    #[derive(Event, Serialize, Deserialize, Clone, Debug)]
    #[cqrs(crate = ::other)]
    #[serde(rename_all = "camelCase")]
    pub(crate) struct PutOnShelf {
        #[tag]
        pub(crate) shelf_of: ShelfId,
        #[tag]
        pub(super) product_there: ProductId,
    }

    pub(super) struct Stock {
        pub(super) offered: bool,
    }

    #[aggregate(id = ProductId, on = [Offered], ignore = [PutOnShelf], crate = ::other)]
    impl Stock {
        /// Begins.
        #[must_use]
        pub(super) fn offered(_: &Offered) -> Self {
            Self { offered: true }
        }
    }

    /// Handles a command of another crate, and is called as any function is.
    #[command(foreign, crate = ::other)]
    #[inline]
    #[must_use = "it decides"]
    pub(super) fn offer_here(
        cmd: Offer,
        #[id(cmd.product)] _stock: Absent<Stock>,
    ) -> Result<Offered, std::convert::Infallible> {
        Ok(Offered { product: cmd.product })
    }
}

/// Where products are.
pub struct Shelves;

#[projection(view = OnShelf, on = [inner::PutOnShelf, Offered], crate = ::other)]
impl Shelves {
    #[key(event.product_there)]
    #[inline]
    fn put(row: &mut OnShelf, event: &Recorded<inner::PutOnShelf>) {
        row.shelves += 1;
    }
    fn offered(event: &Offered) -> OnShelf {
        OnShelf { product: event.product.clone(), shelves: 0 }
    }
}

/// Puts a product on a new shelf.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(crate = ::other)]
pub struct Put {
    /// Which.
    pub product: ProductId,
}

#[command(crate = ::other)]
fn put(cmd: Put, product: &inner::Stock) -> Result<Option<inner::PutOnShelf>, std::convert::Infallible> {
    let put = inner::PutOnShelf { shelf_of: inner::ShelfId::new(), product_there: cmd.product };
    Ok(product.offered.then_some(put))
}

#[query(foreign, crate = ::other)]
async fn shelves_of(q: ShelvesOf, rows: Views<OnShelf>) -> Result<i64, QueryError> {
    Ok(rows.get(q.product).await?.map_or(0, |row| row.shelves))
}

/// The function of a handler is still there to be called, and so is a fold method.
#[must_use]
pub fn called(product: ProductId) -> bool {
    let made = inner::Stock::offered(&Offered { product: product.clone() });
    put(Put { product }, &made).is_ok_and(|put| put.is_some())
}
