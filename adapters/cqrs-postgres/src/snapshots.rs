//! The snapshots in the log's schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use cqrs_core::log::{BoxFuture, Position, StoreError};
use cqrs_core::snapshot::{Snapshot, SnapshotKey, SnapshotStore};
use tokio::sync::Mutex;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::connect::Purpose;
use crate::connection::Connection;
use crate::error::{is_lost, store_error};
use crate::events::column;
use crate::shared::Shared;
use crate::sql::Sql;
use crate::text::{clamped, escape, key, unescape};

/// The approximate maximum size of the states in one statement, in bytes.
const MOST_BYTES: usize = 16 << 20;

/// The snapshots of a log.
///
/// They are written on a connection of their own, without the log's lock, and without waiting for
/// the disk: appends are not delayed. A crash of the server may lose the last ones, but not the
/// events behind them.
pub(crate) struct PostgresSnapshots {
    shared: Arc<Shared>,
    /// Opened on demand. Saves run one after the other.
    writer: Mutex<Option<Arc<Connection>>>,
}

impl PostgresSnapshots {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, writer: Mutex::default() }
    }
}

impl SnapshotStore for PostgresSnapshots {
    fn describe(&self) -> String {
        self.shared.place.store.to_string()
    }

    fn load<'a>(&'a self, keys: &'a [SnapshotKey]) -> BoxFuture<'a, Result<Vec<Option<Snapshot>>, StoreError>> {
        Box::pin(async move {
            let answers = self.shared.readers.read(vec![look_up(&self.shared.schema, keys)]).await?;
            let mut found = vec![None; keys.len()];
            for row in answers.iter().flatten() {
                let place: i64 = column(&self.shared.place.store, row, 0)?;
                // It starts at 1.
                let place = usize::try_from(place - 1).ok().filter(|place| *place < keys.len());
                if let Some(place) = place {
                    found[place] = snapshot(&keys[place], row);
                }
            }
            Ok(found)
        })
    }

    fn save<'a>(&'a self, snapshots: &'a [Snapshot]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let store = &self.shared.place.store;
            let mut writer = self.writer.lock().await;
            for sql in upserts(&self.shared.schema, snapshots) {
                let connection = match writer.as_ref().filter(|connection| !connection.client.is_closed()) {
                    Some(connection) => Arc::clone(connection),
                    None => Arc::clone(writer.insert(self.shared.place.connect(Purpose::Save).await?)),
                };
                if let Err(error) = connection.query(sql).await {
                    if is_lost(&error) {
                        *writer = None;
                    }
                    return Err(store_error(store, &error));
                }
            }
            Ok(())
        })
    }
}

/// The rows of these keys, with the place of each in `keys`. Each costs one index step.
pub(crate) fn look_up(schema: &str, keys: &[SnapshotKey]) -> Sql {
    let texts = |text: fn(&SnapshotKey) -> &str| keys.iter().map(|one| key(text(one))).collect::<Vec<String>>();
    let fingerprints: Vec<i64> = keys.iter().map(|key| key.fingerprint.cast_signed()).collect();
    Sql::new(format!(
        "SELECT k.place, s.position, s.event, s.state
         FROM unnest($1, $2, $3) WITH ORDINALITY k (aggregate, tag, fingerprint, place)
         CROSS JOIN LATERAL (
             SELECT position, event, state FROM {schema}.cqrs_snapshots s
             WHERE s.aggregate = k.aggregate AND s.tag = k.tag AND s.fingerprint = k.fingerprint LIMIT 1
         ) s"
    ))
    .with(texts(|key| &key.aggregate), Type::TEXT_ARRAY)
    .with(texts(|key| key.tag.as_str()), Type::TEXT_ARRAY)
    .with(fingerprints, Type::INT8_ARRAY)
}

/// Decodes a row. `None` if this crate did not write it: such a row counts as missing.
fn snapshot(key: &SnapshotKey, row: &Row) -> Option<Snapshot> {
    let position = u64::try_from(row.try_get::<_, i64>(1).ok()?).ok().map(Position::new)?;
    let event: Uuid = row.try_get(2).ok()?;
    let state: &str = row.try_get(3).ok()?;
    Some(Snapshot { key: key.clone(), position, event, state: unescape(state).into() })
}

/// Statements that store snapshots. They lock rows in the order of their keys, so that two
/// processes that save the same ones do not deadlock.
fn upserts(schema: &str, snapshots: &[Snapshot]) -> Vec<Sql> {
    let by_key: BTreeMap<(String, String), &Snapshot> = snapshots
        .iter()
        // Of several snapshots for one key, the last one wins.
        .map(|snapshot| ((key(&snapshot.key.aggregate), key(snapshot.key.tag.as_str())), snapshot))
        .collect();
    let mut statements = Vec::new();
    let mut columns = Columns::default();
    for ((aggregate, tag), Snapshot { key, position, event, state }) in by_key {
        columns.aggregates.push(aggregate);
        columns.tags.push(tag);
        columns.fingerprints.push(key.fingerprint.cast_signed());
        columns.positions.push(clamped(position.get()));
        columns.events.push(*event);
        columns.bytes += state.len();
        columns.states.push(escape(state));
        if columns.bytes > MOST_BYTES {
            statements.push(upsert(schema, std::mem::take(&mut columns)));
        }
    }
    if !columns.states.is_empty() {
        statements.push(upsert(schema, columns));
    }
    statements
}

/// The columns of some snapshots.
#[derive(Default)]
struct Columns {
    aggregates: Vec<String>,
    tags: Vec<String>,
    fingerprints: Vec<i64>,
    positions: Vec<i64>,
    events: Vec<Uuid>,
    states: Vec<String>,
    bytes: usize,
}

fn upsert(schema: &str, columns: Columns) -> Sql {
    Sql::new(format!(
        "INSERT INTO {schema}.cqrs_snapshots (aggregate, tag, fingerprint, position, event, state)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6)
         ON CONFLICT (aggregate, tag) DO UPDATE SET fingerprint = excluded.fingerprint,
             position = excluded.position, event = excluded.event, state = excluded.state"
    ))
    .with(columns.aggregates, Type::TEXT_ARRAY)
    .with(columns.tags, Type::TEXT_ARRAY)
    .with(columns.fingerprints, Type::INT8_ARRAY)
    .with(columns.positions, Type::INT8_ARRAY)
    .with(columns.events, Type::UUID_ARRAY)
    .with(columns.states, Type::TEXT_ARRAY)
}

#[cfg(test)]
mod tests {
    use cqrs_core::log::EventLog;

    use super::*;
    use crate::PostgresLog;

    #[tokio::test]
    async fn saving_does_not_wait_for_the_disk_and_appending_does() {
        let database = cqrs_test_servers::Postgres::shared().database();
        let log = PostgresLog::open(database.url()).await.expect("a log");
        let snapshots = PostgresSnapshots::new(Arc::clone(log.shared()));
        let key = SnapshotKey { aggregate: "A".into(), tag: cqrs_core::Tag::from_text("a:1"), fingerprint: 1 };
        let snapshot = Snapshot { key, position: Position::new(1), event: Uuid::now_v7(), state: "{}".into() };
        snapshots.save(&[snapshot]).await.expect("it is saved");
        let ask = async |connection: &Arc<Connection>| {
            let rows = connection.query(Sql::new("SELECT current_setting('synchronous_commit')")).await;
            rows.expect("a setting")[0].get::<_, String>(0)
        };
        let saving = snapshots.writer.lock().await.clone().expect("a connection");
        assert_eq!(ask(&saving).await, "off");
        log.begin().await.expect("the lock").commit().await.expect("a commit");
        let appending = log.shared().writer.lock().await.connection.clone().expect("a connection");
        assert_eq!(ask(&appending).await, "on");
        assert_ne!(saving.backend.pid, appending.backend.pid);
    }
}
