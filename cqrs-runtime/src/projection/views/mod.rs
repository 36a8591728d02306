//! The read side, as a query sees it.

mod cursor;
mod find;
mod page;
mod stream;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Follower, ProgressTable};
use crate::model::error::{MalformedView, QueryError};
use cqrs_core::column::Key;
use cqrs_core::debug::opaque_debug;
use cqrs_core::view::{Condition, Filter, Row, RowQuery, View, ViewShape, ViewStore};
pub use cursor::{Cursor, ParseCursorError};
pub use find::Find;
pub use page::{Page, Paging};
pub use stream::RowStream;

/// The rows of view `V`: a query's capability to read them, on a connection that cannot write.
///
/// On SQLite and PostgreSQL, all reads of one query handler see one state, that of its first read, in every view that is stored in the
/// same database. They hold one connection from the first read until the handler is done. On other stores, and as `Stale<Views<V>>`,
/// each read sees the newest state.
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
    Runner(Arc<ProgressTable>),
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
            Gate::Runner(progress_table) => progress_table.require_built(&*self.store, V::LAYOUT.name).await,
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

    /// The rows of these keys, in the order of the keys: `None` where a key has no row. One round trip to the store for up to a
    /// thousand keys, however many there are of them.
    ///
    /// ```
    /// # use cqrs_runtime::prelude::*;
    /// # #[derive(Id)] pub struct UserId(Uuid);
    /// # #[derive(View, Serialize, Deserialize)] pub struct Profile { #[key] user: UserId, name: String }
    /// # #[derive(View, Serialize, Deserialize)] pub struct Comment { #[key] number: u64, author: UserId, text: String }
    /// async fn authors(comments: &[Comment], profiles: Views<Profile>) -> Result<Vec<Option<Profile>>, QueryError> {
    ///     profiles.get_all(comments.iter().map(|comment| comment.author)).await
    /// }
    /// ```
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn get_all<K: Borrow<V::Key>>(
        &self,
        keys: impl IntoIterator<Item = K> + Send,
    ) -> Result<Vec<Option<V>>, QueryError> {
        let keys: Vec<String> = keys.into_iter().map(|key| key.borrow().to_key()).collect();
        self.rows_of(keys).await
    }

    async fn rows_of(&self, keys: Vec<String>) -> Result<Vec<Option<V>>, QueryError> {
        self.require_built().await?;
        let mut wanted = keys.clone();
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.store.rows(&self.shape, &wanted).await?;
        let rows: HashMap<&str, &Row> = rows.iter().map(|row| (row.key.as_str(), row)).collect();
        keys.iter().map(|key| rows.get(key.as_str()).map(|row| decode(row)).transpose()).collect()
    }

    /// The rows that meet a condition on indexes.
    pub fn find(&self, condition: Condition<V>) -> Find<V> {
        self.search(condition.into_filter())
    }

    /// Every row, with any values: for views that stay small, or with a limit.
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
        Find::new(self.clone(), RowQuery::new(filter))
    }
}

fn decode<V: View>(row: &Row) -> Result<V, QueryError> {
    (V::JSON.read)(&row.document).map_err(|error| {
        let view = V::LAYOUT.name;
        QueryError::Malformed(MalformedView { view, key: row.key.clone(), reason: error.to_string() })
    })
}
