//! Searches by indexes.

use super::{Cursor, Paging, RowStream, Views, decode};
use crate::model::error::QueryError;
use cqrs_core::column::{FromColumn, Numeric, Value};
use cqrs_core::debug::opaque_debug;
use cqrs_core::store_error::{BoxFuture, StoreError};
use cqrs_core::view::{Comparison, Filter, IndexedBy, OneOfEach, Order, Place, RowQuery, View};

/// A search, not yet made.
///
/// The methods that answer with something other than rows ([`count`](Self::count), [`exists`](Self::exists),
/// [`count_by`](Self::count_by), [`distinct`](Self::distinct), [`sum`](Self::sum), [`min`](Self::min), [`max`](Self::max)) are about
/// every row that meets the condition: the order and the offset do not matter to them.
///
/// ```
/// # use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct CustomerId(Uuid);
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// #[derive(View, Serialize, Deserialize)]
/// pub struct OrderSummary {
///     #[key] order: OrderId,
///     #[index] customer: CustomerId,
///     #[index] status: String,
///     #[index] total: i64,
/// }
///
/// async fn dashboard(customer: CustomerId, orders: Views<OrderSummary>) -> Result<(), QueryError> {
///     let own = || orders.find(OrderSummary::CUSTOMER.eq(customer));
///     let largest: Vec<OrderSummary> = own().order_by(OrderSummary::TOTAL.desc()).limit(3).all().await?;
///     let by_status: Vec<(String, u64)> = own().count_by(OrderSummary::STATUS).await?;
///     let spent: i64 = own().sum(OrderSummary::TOTAL).await?;
///     let has_ordered: bool = own().exists().await?;
///     Ok(())
/// }
/// ```
#[must_use = "a search does nothing until it, `.first()` or `.count()` is awaited"]
pub struct Find<V> {
    pub(super) views: Views<V>,
    pub(super) query: RowQuery,
}

opaque_debug!([V] Find<V> { views, query });

/// An answer that is read when it is awaited.
type Asking<T> = BoxFuture<'static, Result<T, QueryError>>;

impl<V: View> Find<V> {
    pub(super) fn new(views: Views<V>, query: RowQuery) -> Self {
        Self { views, query }
    }

    /// Sorts by an index; where that leaves rows equal, by the next one that is given, and last by their keys, in the direction of
    /// the last order. `None` is less than every value, in every store.
    pub fn order_by(mut self, order: Order<V>) -> Self {
        self.query.order.push((order.index(), order.is_descending()));
        self
    }

    /// How many rows at most.
    pub fn limit(mut self, rows: u32) -> Self {
        self.query.limit = Some(rows);
        self
    }

    /// How many rows to pass over first. The store reads them all the same: for a long list use [`page`](Self::page).
    pub fn offset(mut self, rows: u64) -> Self {
        self.query.offset = rows;
        self
    }

    /// A page of at most `rows` rows (at least one), with [`Cursor`]s to the next and the previous one. A page far behind costs what
    /// the first one does, and no row is shown twice or left out because others come and go between two pages.
    ///
    /// It replaces an earlier [`limit`](Self::limit). An [`offset`](Self::offset) applies to the first page only.
    ///
    /// ```
    /// # use cqrs_runtime::prelude::*;
    /// # use cqrs_runtime::view::{Cursor, Page};
    /// # #[derive(Id)] pub struct CustomerId(Uuid);
    /// # #[derive(Id)] pub struct OrderId(Uuid);
    /// # #[derive(View, Serialize, Deserialize)]
    /// # pub struct OrderSummary { #[key] order: OrderId, #[index] customer: CustomerId, #[index] created_at: Timestamp }
    /// #[derive(Query, Serialize, Deserialize)]
    /// #[cqrs(returns = Page<OrderSummary>)]
    /// pub struct OrderHistory { customer: CustomerId, cursor: Option<Cursor> }
    ///
    /// #[query]
    /// async fn history(q: OrderHistory, orders: Views<OrderSummary>) -> Result<Page<OrderSummary>, QueryError> {
    ///     let found = orders.find(OrderSummary::CUSTOMER.eq(q.customer)).order_by(OrderSummary::CREATED_AT.desc());
    ///     found.page(20).at(q.cursor).with_total().await
    /// }
    /// ```
    pub fn page(self, rows: u32) -> Paging<V> {
        Paging::new(self, rows)
    }

    /// The rows one after the other, read from the store in portions: for answers that are too large to be held at once. Each portion
    /// is a search of its own, as a [`page`](Self::page) is.
    ///
    /// ```
    /// # use cqrs_runtime::prelude::*;
    /// # #[derive(Id)] pub struct OrderId(Uuid);
    /// # #[derive(View, Serialize, Deserialize)] pub struct OrderSummary { #[key] order: OrderId, total: i64 }
    /// async fn export(orders: Views<OrderSummary>) -> Result<String, QueryError> {
    ///     let mut lines = String::new();
    ///     let mut rows = orders.scan().stream();
    ///     while let Some(order) = rows.next().await {
    ///         let order = order?;
    ///         lines += &format!("{},{}\n", order.order, order.total);
    ///     }
    ///     Ok(lines)
    /// }
    /// ```
    pub fn stream(self) -> RowStream<V> {
        RowStream::new(self)
    }

    /// The rows.
    ///
    /// # Errors
    /// The store cannot be reached, the view is not built yet, or a stored row does not fit its type.
    pub async fn all(self) -> Result<Vec<V>, QueryError> {
        self.views.require_built().await?;
        let rows = self.views.store.find(&self.views.shape, &self.query).await?;
        rows.iter().map(decode).collect()
    }

    /// The first row.
    ///
    /// # Errors
    /// As for [`all`](Self::all).
    pub async fn first(self) -> Result<Option<V>, QueryError> {
        Ok(self.limit(1).all().await?.pop())
    }

    /// How many rows meet the condition. A limit does not matter.
    ///
    /// # Errors
    /// The store cannot be reached, or the view is not built yet.
    pub async fn count(self) -> Result<u64, QueryError> {
        self.views.require_built().await?;
        Ok(self.views.store.count(&self.views.shape, &self.query.filter).await?)
    }

    /// Whether a row meets the condition, without reading one.
    ///
    /// # Errors
    /// The store cannot be reached, or the view is not built yet.
    pub async fn exists(self) -> Result<bool, QueryError> {
        self.views.require_built().await?;
        Ok(self.views.store.exists(&self.views.shape, &self.query.filter).await?)
    }

    /// How many rows have each value of an index (a row with several values counts once for each): the most frequent value first, equally frequent ones from the least to the
    /// greatest. A [`limit`](Self::limit) keeps the most frequent ones.
    ///
    /// # Errors
    /// The store cannot be reached, the view is not built yet, or a stored value does not fit the index's type.
    // A boxed future, like those below: an index that is none is one error, at the index.
    pub fn count_by<I: IndexedBy<V>>(self, index: I) -> Asking<Vec<(I::Value, u64)>>
    where
        I::Value: FromColumn,
    {
        let index = index.name();
        Box::pin(async move {
            let counted = self.counted(index, self.query.limit).await?;
            counted.into_iter().map(|(value, times)| Ok((self.read_back(index, &value)?, times))).collect()
        })
    }

    /// The different values of an index, from the least to the greatest. A [`limit`](Self::limit) keeps the least.
    ///
    /// # Errors
    /// As for [`count_by`](Self::count_by).
    pub fn distinct<I: IndexedBy<V>>(self, index: I) -> Asking<Vec<I::Value>>
    where
        I::Value: FromColumn,
    {
        let index = index.name();
        Box::pin(async move {
            let counted = self.counted(index, None).await?;
            let mut values: Vec<Value> = counted.into_iter().map(|(value, _)| value).collect();
            values.sort_by(Value::order);
            values.truncate(self.query.limit.map_or(usize::MAX, |limit| limit as usize));
            values.iter().map(|value| self.read_back(index, value)).collect()
        })
    }

    /// The sum of an index of numbers: `0` if no row meets the condition. `None` adds nothing.
    ///
    /// # Errors
    /// The store cannot be reached, the view is not built yet, or the sum does not fit 64 bits.
    pub fn sum<I: IndexedBy<V>>(self, index: I) -> Asking<<I::Value as Numeric>::Sum>
    where
        I::Value: Numeric,
        I::Holds: OneOfEach,
    {
        let index = index.name();
        Box::pin(async move {
            self.views.require_built().await?;
            let sum = self.views.store.sum(&self.views.shape, &self.query.filter, index).await?;
            I::Value::from_sum(sum.clone()).ok_or_else(|| self.misfit(index, &sum))
        })
    }

    /// The least value of an index that is not `None`. `None` if there is no such row. Of an index of `Option<T>`, `.flatten()` gives the
    /// value.
    ///
    /// # Errors
    /// As for [`count_by`](Self::count_by).
    pub fn min<I: IndexedBy<V>>(self, index: I) -> Asking<Option<I::Value>>
    where
        I::Value: FromColumn,
        I::Holds: OneOfEach,
    {
        Box::pin(self.extreme(index.name(), false))
    }

    /// The greatest value of an index that is not `None`. `None` if there is no such row. Of an index of `Option<T>`, `.flatten()` gives the
    /// value.
    ///
    /// # Errors
    /// As for [`count_by`](Self::count_by).
    pub fn max<I: IndexedBy<V>>(self, index: I) -> Asking<Option<I::Value>>
    where
        I::Value: FromColumn,
        I::Holds: OneOfEach,
    {
        Box::pin(self.extreme(index.name(), true))
    }

    async fn counted(&self, index: &'static str, limit: Option<u32>) -> Result<Vec<(Value, u64)>, QueryError> {
        self.views.require_built().await?;
        Ok(self.views.store.count_by(&self.views.shape, &self.query.filter, index, limit).await?)
    }

    async fn extreme<T: FromColumn>(self, index: &'static str, greatest: bool) -> Result<Option<T>, QueryError> {
        self.views.require_built().await?;
        let is_there = Filter::Compare(index, Comparison::NotEqual, Value::Null);
        let filter = Filter::All(vec![self.query.filter.clone(), is_there]);
        let query = RowQuery { order: vec![(index, greatest)], limit: Some(1), ..RowQuery::new(filter) };
        let row = self.views.store.find(&self.views.shape, &query).await?.pop();
        let place = self.views.shape.index(index).ok();
        let value = row.and_then(|row| row.indexes.into_iter().nth(place?));
        value.map(|value| self.read_back(index, &value)).transpose()
    }

    fn read_back<T: FromColumn>(&self, index: &str, value: &Value) -> Result<T, QueryError> {
        T::from_value(value.clone()).ok_or_else(|| self.misfit(index, value))
    }

    fn misfit(&self, index: &str, value: &Value) -> QueryError {
        let (store, view) = (self.views.store.describe(), V::LAYOUT.name);
        let reason = format!("the value {value:?} of index `{index}` of view `{view}` does not fit its type");
        StoreError::Failed { store, reason }.into()
    }

    /// The place of a row in the order of this search.
    pub(super) fn place(&self, view: &V) -> Place {
        let values = view.index_values();
        let value = |(index, _): &(&'static str, bool)| {
            let place = self.views.shape.index(index).ok();
            place.and_then(|place| values.get(place)).cloned().unwrap_or(Value::Null)
        };
        let key = V::key_text(view.key());
        Place { values: self.query.order.iter().map(value).collect(), key, inclusive: false }
    }

    /// The kinds that a cursor's values must have.
    pub(super) fn admits(&self, cursor: &Cursor) -> bool {
        let kind = |(index, _): &(&'static str, bool)| self.views.shape.kind(index).ok();
        cursor.fits(&self.query.order.iter().filter_map(kind).collect::<Vec<_>>())
    }
}

/// Awaiting a search gives its rows, as [`Find::all`].
impl<V: View> IntoFuture for Find<V> {
    type Output = Result<Vec<V>, QueryError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.all())
    }
}
