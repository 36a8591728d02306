//! Snapshots in memory.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::id::Tag;
use crate::snapshot::{Snapshot, SnapshotKey, SnapshotStore};
use crate::store_error::{BoxFuture, StoreError};

/// The snapshots of a log in memory. Later apps on that log still find them.
#[derive(Default)]
pub(crate) struct MemorySnapshots {
    kept: RwLock<HashMap<(Cow<'static, str>, Tag), Snapshot>>,
}

impl SnapshotStore for MemorySnapshots {
    fn describe(&self) -> String {
        "the snapshots in memory".into()
    }

    fn load<'a>(&'a self, keys: &'a [SnapshotKey]) -> BoxFuture<'a, Result<Vec<Option<Snapshot>>, StoreError>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let one = |key: &SnapshotKey| {
            kept.get(&(key.aggregate.clone(), key.tag.clone())).filter(|snapshot| snapshot.key == *key).cloned()
        };
        Box::pin(std::future::ready(Ok(keys.iter().map(one).collect())))
    }

    fn save<'a>(&'a self, snapshots: &'a [Snapshot]) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        for snapshot in snapshots {
            kept.insert((snapshot.key.aggregate.clone(), snapshot.key.tag.clone()), snapshot.clone());
        }
        Box::pin(std::future::ready(Ok(())))
    }
}
