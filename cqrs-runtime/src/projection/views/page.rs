//! Pages that cost the same wherever they are.

use serde::{Deserialize, Serialize};

use super::cursor::order_of;
use super::{Cursor, Find, decode};
use crate::model::error::{OtherCursor, QueryError};
use cqrs_core::debug::opaque_debug;
use cqrs_core::store_error::BoxFuture;
use cqrs_core::view::{Place, RowQuery, View};

/// A page of the answer of a search. A query may return it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<V> {
    /// The rows, in the order of the search.
    pub rows: Vec<V>,
    /// How many rows the search finds on all pages, if [`with_total`](Paging::with_total) asked for it.
    pub total: Option<u64>,
    /// Where the next page begins. `None` on the last one.
    pub next: Option<Cursor>,
    /// Where the previous page ends. `None` on the first one.
    pub previous: Option<Cursor>,
}

impl<V> Page<V> {
    /// The same page with other rows: what a query returns of each.
    pub fn map<W>(self, of: impl FnMut(V) -> W) -> Page<W> {
        let Self { rows, total, next, previous } = self;
        Page { rows: rows.into_iter().map(of).collect(), total, next, previous }
    }
}

/// A page, not yet read: [`Find::page`].
#[must_use = "a page is not read until it is awaited"]
pub struct Paging<V> {
    find: Find<V>,
    rows: u32,
    cursor: Option<Cursor>,
    total: bool,
}

opaque_debug!([V] Paging<V> { find, rows, cursor });

impl<V: View> Paging<V> {
    pub(super) fn new(find: Find<V>, rows: u32) -> Self {
        Self { find, rows: rows.max(1), cursor: None, total: false }
    }

    /// The page at a cursor: another page's `next` or `previous`. `None`: the first page.
    ///
    /// The search must have the same order as the one that the cursor comes from, and should have the same condition.
    pub fn at(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.cursor = cursor.into();
        self
    }

    /// Counts the rows of all pages too, at the cost of a [`count`](Find::count). On SQLite and PostgreSQL the total is of the same
    /// moment as the rows. On other stores it may be of a later one.
    pub fn with_total(mut self) -> Self {
        self.total = true;
        self
    }

    async fn read(self) -> Result<Page<V>, QueryError> {
        let Self { find, rows: limit, cursor, total } = self;
        let order = order_of(V::LAYOUT.name, &find.query.order);
        if let Some(cursor) = &cursor
            && !(cursor.is_of(order) && find.admits(cursor))
        {
            return Err(QueryError::OtherCursor(OtherCursor { view: V::LAYOUT.name }));
        }
        find.views.require_built().await?;
        let backwards = cursor.as_ref().is_some_and(|cursor| cursor.backwards);
        let start = cursor.map(|cursor| cursor.place);
        let query = RowQuery {
            reversed: backwards,
            // One more tells whether there is another page.
            limit: Some(limit.saturating_add(1)),
            offset: if start.is_some() { 0 } else { find.query.offset },
            start: start.clone(),
            ..find.query.clone()
        };
        let store = &find.views.store;
        let found = store.find(&find.views.shape, &query).await?;
        let total = if total { Some(store.count(&find.views.shape, &query.filter).await?) } else { None };
        let more = found.len() > limit as usize;
        let mut rows = found.iter().take(limit as usize).map(decode).collect::<Result<Vec<V>, _>>()?;
        if backwards {
            rows.reverse();
        }
        // Where there are no rows, the page on the other side has the row at the start.
        let other_side = || start.clone().map(|place| Place { inclusive: !place.inclusive, ..place });
        let (first, last) = (rows.first().map(|row| find.place(row)), rows.last().map(|row| find.place(row)));
        let cursor = |backwards, place| Cursor::new(order, backwards, place);
        let ahead = if backwards || more { last.or_else(other_side) } else { None };
        let behind = if !backwards || more { first.or_else(other_side) } else { None };
        Ok(Page {
            rows,
            total,
            next: ahead.map(|place| cursor(false, place)),
            previous: behind.filter(|_| start.is_some()).map(|place| cursor(true, place)),
        })
    }
}

/// Awaiting it reads the page.
///
/// # Errors
/// The store cannot be reached, the view is not built yet, a stored row does not fit its type, or the cursor is of a search in another
/// order.
impl<V: View> IntoFuture for Paging<V> {
    type Output = Result<Page<V>, QueryError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}
