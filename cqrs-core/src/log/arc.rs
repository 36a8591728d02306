//! A log behind an `Arc` is a log, so that an app and other code can share one.

use std::sync::Arc;

use super::{
    Bookmark, BoxFuture, CommandRecord, DatabaseInfo, EventLog, EventQuery, LogTransaction, NameRegister, Page,
    Position, StoreError,
};
use crate::meta::CommandId;
use crate::snapshot::SnapshotStore;
use crate::time::Timestamp;
use crate::view::ViewStore;

#[deny(clippy::missing_trait_methods, reason = "a default would replace what the log itself does")]
impl<L: EventLog + ?Sized> EventLog for Arc<L> {
    fn describe(&self) -> String {
        (**self).describe()
    }

    fn read<'a>(
        &'a self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        (**self).read(query, after, limit)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
        (**self).head()
    }

    fn last(&self) -> BoxFuture<'_, Result<Bookmark, StoreError>> {
        (**self).last()
    }

    fn holds<'a>(&'a self, bookmarks: &'a [Bookmark]) -> BoxFuture<'a, Result<Vec<bool>, StoreError>> {
        (**self).holds(bookmarks)
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        (**self).probe()
    }

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn LogTransaction>, StoreError>> {
        (**self).begin()
    }

    fn changed(&self, after: Position) -> BoxFuture<'_, ()> {
        (**self).changed(after)
    }

    fn command_records<'a>(
        &'a self,
        after: Option<&'a CommandId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<CommandRecord>, StoreError>> {
        (**self).command_records(after, limit)
    }

    fn count_command_records(&self, before: Option<Timestamp>) -> BoxFuture<'_, Result<u64, StoreError>> {
        (**self).count_command_records(before)
    }

    fn forget_commands(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        (**self).forget_commands(before)
    }

    fn views(&self) -> Option<Arc<dyn ViewStore>> {
        (**self).views()
    }

    fn snapshots(&self) -> Option<Arc<dyn SnapshotStore>> {
        (**self).snapshots()
    }

    fn names(&self) -> Option<Arc<dyn NameRegister>> {
        (**self).names()
    }

    fn database(&self) -> Option<DatabaseInfo> {
        (**self).database()
    }
}
