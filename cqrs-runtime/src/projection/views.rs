//! The read side, as a query sees it.

use std::borrow::Borrow;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Follower, Standings};
use crate::model::error::{MalformedView, QueryError};
use cqrs_core::column::Key;
use cqrs_core::debug::opaque_debug;
use cqrs_core::store_error::BoxFuture;
use cqrs_core::view::{Condition, Filter, Order, Row, RowQuery, View, ViewShape, ViewStore};

/// The rows of view `V`: a query's capability to read them, on a connection that cannot write.
pub struct Views<V> {
    store: Arc<dyn ViewStore>,
    /// As it is stored.
    shape: ViewShape,
    gate: Gate,
    view: PhantomData<fn() -> V>,
}

opaque_debug!([V] Views<V> { shape });

/// Whether a view is there yet.
#[derive(Clone)]
pub(crate) enum Gate {
    /// A runner keeps it (level 2).
    Runner(Arc<Standings>),
    /// Commands keep it (level 1).
    Follower(Arc<Follower>),
    /// Nobody does.
    Open,
}

impl<V> Clone for Views<V> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), shape: self.shape, gate: self.gate.clone(), view: PhantomData }
    }
}

impl<V: View> Views<V> {
    pub(crate) fn new(store: Arc<dyn ViewStore>, shape: ViewShape, gate: Gate) -> Self {
        Self { store, shape, gate, view: PhantomData }
    }

    async fn require_built(&self) -> Result<(), QueryError> {
        match &self.gate {
            Gate::Runner(standings) => standings.require_built(&*self.store, V::LAYOUT.name).await,
            Gate::Follower(follower) => follower.require_built(V::LAYOUT.name),
            Gate::Open => Ok(()),
        }
    }

    /// The row of this key, if there is one.
    ///
    /// # Errors
    /// The store cannot be reached, the view is not built yet, or the stored row does not fit its type.
    pub async fn get(&self, key: impl Borrow<V::Key> + Send) -> Result<Option<V>, QueryError> {
        let keys = [key.borrow().to_key()];
        drop(key);
        self.require_built().await?;
        let rows = self.store.rows(&self.shape, &keys).await?;
        rows.first().map(decode).transpose()
    }

    /// The rows that meet a condition on indexes.
    pub fn find(&self, condition: Condition<V>) -> Find<V> {
        self.search(condition.into_filter())
    }

    /// Every row, whatever its indexes: for views that stay small, or with a limit.
    pub fn scan(&self) -> Find<V> {
        self.search(Filter::All(Vec::new()))
    }

    /// Every row: [`scan`](Self::scan), at once.
    ///
    /// # Errors
    /// The store cannot be reached, the view is not built yet, or a stored row does not fit its type.
    pub async fn all(&self) -> Result<Vec<V>, QueryError> {
        self.scan().all().await
    }

    fn search(&self, filter: Filter) -> Find<V> {
        let query = RowQuery { filter, order: Vec::new(), limit: None, offset: 0 };
        Find { views: self.clone(), query }
    }
}

/// A search, not yet made.
#[must_use = "a search does nothing until it, `.first()` or `.count()` is awaited"]
pub struct Find<V> {
    views: Views<V>,
    query: RowQuery,
}

opaque_debug!([V] Find<V> { views, query });

impl<V: View> Find<V> {
    /// Sorts by an index; where that leaves rows equal, by the next one that is given, and last by their keys.
    pub fn order_by(mut self, order: Order<V>) -> Self {
        self.query.order.push((order.index(), order.is_descending()));
        self
    }

    /// How many rows at most.
    pub fn limit(mut self, rows: u32) -> Self {
        self.query.limit = Some(rows);
        self
    }

    /// How many rows to pass over first.
    pub fn offset(mut self, rows: u64) -> Self {
        self.query.offset = rows;
        self
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

    /// How many rows meet the condition, whatever the limit.
    ///
    /// # Errors
    /// The store cannot be reached, or the view is not built yet.
    pub async fn count(self) -> Result<u64, QueryError> {
        self.views.require_built().await?;
        Ok(self.views.store.count(&self.views.shape, &self.query.filter).await?)
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

fn decode<V: View>(row: &Row) -> Result<V, QueryError> {
    (V::JSON.read)(&row.document).map_err(|error| {
        let view = V::LAYOUT.name;
        QueryError::Malformed(MalformedView { view, key: row.key.clone(), reason: error.to_string() })
    })
}
