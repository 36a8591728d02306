//! The snapshots in the log's file.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cqrs_core::Uuid;
use cqrs_core::log::{BoxFuture, Position, StoreError};
use cqrs_core::snapshot::{Snapshot, SnapshotKey, SnapshotStore};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::connect::open_snapshot_writer;
use crate::error::{is_busy, store_error};
use crate::place::FileId;
use crate::shared::Shared;
use crate::sql::clamped;
use crate::writer::jittered;

/// How long to retry while another process writes. Snapshots that are not saved in that time are
/// saved later.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait before a retry.
const WAIT: Duration = Duration::from_millis(4);

/// The snapshots of a log.
///
/// They have their own connection, which does not wait for the disk. It blocks the connection that
/// appends only while it writes to the page cache. The order of the pages keeps the log intact, and
/// the next commit of events also flushes the snapshots.
pub(crate) struct SqliteSnapshots {
    shared: Arc<Shared>,
    /// Opened on demand.
    writer: Arc<Mutex<Option<(FileId, Connection)>>>,
}

impl SqliteSnapshots {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, writer: Arc::default() }
    }

    /// Saves under the lock of this process, so that it is fair to appends. Returns `false` if
    /// another process is writing.
    async fn try_save(&self, snapshots: &Arc<[Snapshot]>) -> Result<bool, StoreError> {
        let lock = self.shared.lock().await;
        let (writer, place, snapshots) =
            (Arc::clone(&self.writer), Arc::clone(&self.shared.place), Arc::clone(snapshots));
        let file = place.file()?;
        let saving = tokio::task::spawn_blocking(move || {
            // Held until the save is done, even if the caller is gone.
            let _lock = lock;
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            let (_, connection) = match &mut *writer {
                Some(open) if open.0 == file => open,
                other => other.insert((file, open_snapshot_writer(place.path())?)),
            };
            write(connection, &snapshots)
        });
        let store = &*self.shared.store;
        match saving.await {
            Ok(Ok(())) => Ok(true),
            Ok(Err(error)) if is_busy(&error) => Ok(false),
            Ok(Err(error)) => Err(store_error(store, &error)),
            Err(error) => Err(StoreError::Unavailable { store: store.to_owned(), reason: error.to_string() }),
        }
    }
}

impl SnapshotStore for SqliteSnapshots {
    fn describe(&self) -> String {
        self.shared.store.to_string()
    }

    fn load<'a>(&'a self, keys: &'a [SnapshotKey]) -> BoxFuture<'a, Result<Vec<Option<Snapshot>>, StoreError>> {
        let keys = keys.to_vec();
        Box::pin(
            self.shared
                .readers
                .read(move |connection, store| read(connection, keys).map_err(|error| store_error(store, &error))),
        )
    }

    fn save<'a>(&'a self, snapshots: &'a [Snapshot]) -> BoxFuture<'a, Result<(), StoreError>> {
        let snapshots: Arc<[Snapshot]> = snapshots.into();
        Box::pin(async move {
            let started = Instant::now();
            while !self.try_save(&snapshots).await? {
                if started.elapsed() >= PATIENCE {
                    let (store, reason) = (
                        self.describe(),
                        "cannot save snapshots: other processes write without \
                                                             pause"
                            .to_owned(),
                    );
                    return Err(StoreError::Unavailable { store, reason });
                }
                tokio::time::sleep(jittered(WAIT)).await;
            }
            Ok(())
        })
    }
}

/// One row, by its primary key.
pub(crate) const LOOK_UP: &str =
    "SELECT position, event, state FROM main.cqrs_snapshots WHERE aggregate = ?1 AND tag = ?2 AND fingerprint = ?3";

fn read(connection: &Connection, keys: Vec<SnapshotKey>) -> rusqlite::Result<Vec<Option<Snapshot>>> {
    let mut statement = connection.prepare_cached(LOOK_UP)?;
    let one = |key: SnapshotKey| {
        let found =
            statement.query_row(params![&*key.aggregate, key.tag.as_str(), key.fingerprint.cast_signed()], fields);
        let snapshot = |(position, event, state)| Snapshot { key, position, event, state };
        Ok(found.optional()?.flatten().map(snapshot))
    };
    keys.into_iter().map(one).collect()
}

/// The fields of a row, or `None` if this crate did not write it: such a row counts as missing.
fn fields(row: &Row<'_>) -> rusqlite::Result<Option<(Position, Uuid, Box<str>)>> {
    let position = u64::try_from(row.get::<_, i64>(0)?).ok().map(Position::new);
    let event = Uuid::from_slice(row.get_ref(1)?.as_blob()?).ok();
    let state = row.get_ref(2)?.as_str().ok().map(Box::from);
    Ok(position.zip(event).zip(state).map(|((position, event), state)| (position, event, state)))
}

fn write(connection: &mut Connection, snapshots: &[Snapshot]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut statement = transaction.prepare_cached(
            "INSERT OR REPLACE INTO main.cqrs_snapshots (aggregate, tag, fingerprint, position, event, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for Snapshot { key, position, event, state } in snapshots {
            statement.execute(params![
                &*key.aggregate,
                key.tag.as_str(),
                key.fingerprint.cast_signed(),
                clamped(position.get()),
                event.as_bytes().as_slice(),
                state,
            ])?;
        }
    }
    transaction.commit()
}
