//! Reads snapshots, and writes them in the background.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Entry;
use super::timeout::StoreTimeout;
use cqrs_core::log::EventLog;
use cqrs_core::snapshot::{Snapshot, SnapshotKey, SnapshotStore};

/// How many snapshots may wait to be saved. Others are offered again when their aggregate is next used.
const MOST_WAITING: usize = 256;

/// Reads snapshots when aggregates are loaded, and saves them in a separate task. Does nothing if the log stores none.
pub(crate) struct SnapshotWriter {
    store: Option<Arc<dyn SnapshotStore>>,
    every: u64,
    /// Whether every loaded state is written as a snapshot and read back, so that a test shows what a snapshot
    /// loses.
    rehearses: bool,
    waiting: Arc<Waiting>,
}

/// The snapshots to save. A newer one of the same aggregate replaces one that still waits.
#[derive(Default)]
struct Waiting {
    snapshots: Mutex<Offered>,
    changed: Notify,
}

#[derive(Default)]
struct Offered {
    by_key: HashMap<SnapshotKey, Snapshot>,
    closed: bool,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Offered> {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SnapshotWriter {
    /// Starts the task if the log stores snapshots. It ends after the snapshots is dropped and everything waiting was
    /// tried.
    pub(crate) fn start(log: &dyn EventLog, every: u64, rehearses: bool) -> Self {
        let waiting = Arc::<Waiting>::default();
        let store = log.snapshots();
        if let Some(store) = store.clone() {
            tokio::spawn(save(store, Arc::clone(&waiting)));
        }
        Self { store, every, rehearses, waiting }
    }

    /// Starts these empty entries from their snapshots, if there are any.
    pub(crate) async fn restore(&self, entries: &mut [Entry], timeout: &StoreTimeout) {
        let Some(store) = &self.store else { return };
        let found: Vec<(usize, SnapshotKey)> =
            entries.iter().enumerate().filter_map(|(at, entry)| Some((at, entry.slot.snapshot_key()?))).collect();
        if found.is_empty() {
            return;
        }
        let (places, keys): (Vec<usize>, Vec<SnapshotKey>) = found.into_iter().unzip();
        match timeout.of(store.load(&keys)).await {
            Ok(snapshots) => {
                for (at, snapshot) in places.into_iter().zip(snapshots) {
                    if let Some(snapshot) = snapshot {
                        entries[at].restore(&snapshot);
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "snapshots not readable; folding aggregates from their first event");
            }
        }
    }

    /// Writes the states and reads them back, if configured.
    pub(crate) fn rehearse(&self, entries: &mut [Entry]) {
        if self.rehearses {
            entries.iter_mut().for_each(Entry::rehearse);
        }
    }

    /// Takes a snapshot if one is due. Every folded event must be committed.
    pub(crate) fn offer(&self, entry: &mut Entry) {
        if self.store.is_none() || !entry.is_due(self.every) {
            return;
        }
        let Some(key) = entry.slot.snapshot_key() else { return };
        {
            let offered = self.waiting.lock();
            if offered.by_key.len() >= MOST_WAITING && !offered.by_key.contains_key(&key) {
                return;
            }
        }
        match entry.snapshot(key.clone()) {
            Ok(snapshot) => {
                if let Some(snapshot) = snapshot {
                    self.waiting.lock().by_key.insert(key, snapshot);
                    self.waiting.changed.notify_one();
                }
            }
            Err(reason) => {
                let (aggregate, tag) = (&key.aggregate, &key.tag);
                tracing::warn!(%aggregate, %tag, reason, "state cannot be written as a snapshot");
            }
        }
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        self.waiting.lock().closed = true;
        self.waiting.changed.notify_one();
    }
}

async fn save(store: Arc<dyn SnapshotStore>, waiting: Arc<Waiting>) {
    loop {
        let (snapshots, closed) = {
            let mut offered = waiting.lock();
            let snapshots: Vec<Snapshot> = std::mem::take(&mut offered.by_key).into_values().collect();
            (snapshots, offered.closed)
        };
        if snapshots.is_empty() {
            if closed {
                return;
            }
            waiting.changed.notified().await;
            continue;
        }
        if let Err(error) = store.save(&snapshots).await {
            tracing::warn!(%error, snapshots = snapshots.len(), "snapshots not saved; later ones will be tried");
        }
    }
}
