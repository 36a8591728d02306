//! A view store behind an `Arc` is a view store, so that an app and other code, or several views, can share one.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::store::{Checkpoint, Contents, Filter, Lease, Parked, Removal, Row, StandaloneTransaction, ViewStore};
use super::{RowQuery, Value, ViewShape};
use crate::log::{BoxFuture, DatabaseInfo, StoreError};

#[deny(clippy::missing_trait_methods, reason = "a default would replace what the store itself does")]
impl<S: ViewStore + ?Sized> ViewStore for Arc<S> {
    fn describe(&self) -> String {
        (**self).describe()
    }

    fn address(&self) -> *const () {
        (**self).address()
    }

    fn prepare<'a>(&'a self, shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).prepare(shape)
    }

    fn rows<'a>(&'a self, shape: &'a ViewShape, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        (**self).rows(shape, keys)
    }

    fn find<'a>(&'a self, shape: &'a ViewShape, query: &'a RowQuery) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        (**self).find(shape, query)
    }

    fn count<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<u64, StoreError>> {
        (**self).count(shape, filter)
    }

    fn exists<'a>(&'a self, shape: &'a ViewShape, filter: &'a Filter) -> BoxFuture<'a, Result<bool, StoreError>> {
        (**self).exists(shape, filter)
    }

    fn count_by<'a>(
        &'a self,
        shape: &'a ViewShape,
        filter: &'a Filter,
        index: &'static str,
        limit: Option<u32>,
    ) -> BoxFuture<'a, Result<Vec<(Value, u64)>, StoreError>> {
        (**self).count_by(shape, filter, index, limit)
    }

    fn sum<'a>(
        &'a self,
        shape: &'a ViewShape,
        filter: &'a Filter,
        index: &'static str,
    ) -> BoxFuture<'a, Result<Value, StoreError>> {
        (**self).sum(shape, filter, index)
    }

    fn snapshot(&self) -> Option<Arc<dyn ViewStore>> {
        (**self).snapshot()
    }

    fn checkpoint<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, StoreError>> {
        (**self).checkpoint(projection)
    }

    fn parked(&self) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        (**self).parked()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        (**self).probe()
    }

    fn begin<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<Box<dyn StandaloneTransaction>, StoreError>> {
        (**self).begin(leases)
    }

    fn lease<'a>(
        &'a self,
        projections: &'a [&'static str],
        owner: &'a str,
        time: Duration,
    ) -> BoxFuture<'a, Result<Vec<Option<Lease>>, StoreError>> {
        (**self).lease(projections, owner, time)
    }

    fn holders<'a>(
        &'a self,
        projections: &'a [&'static str],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, StoreError>> {
        (**self).holders(projections)
    }

    fn release<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).release(leases)
    }

    fn contents(&self) -> BoxFuture<'_, Result<Contents, StoreError>> {
        (**self).contents()
    }

    fn remove<'a>(
        &'a self,
        removal: &'a Removal,
        mark: &'a str,
        unused: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        (**self).remove(removal, mark, unused)
    }

    fn database(&self) -> Option<DatabaseInfo> {
        (**self).database()
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn Any + Send>, StoreError>> {
        (**self).reader()
    }
}
