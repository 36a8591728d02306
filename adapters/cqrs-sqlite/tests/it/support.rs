//! What the tests share.

use std::path::PathBuf;
use std::sync::Arc;

use cqrs_runtime::event::{EventHeader, RecordedEvent};
use cqrs_runtime::log::{EventLog, EventQuery, LogTransaction, Position, StoreError};
use cqrs_runtime::{Meta, Tag, Timestamp, Uuid};
use cqrs_sqlite::SqliteLog;
use tempfile::TempDir;

/// A folder, and a path in it for a log.
pub fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    (folder, path)
}

/// A new log, and the folder that holds it.
pub async fn log() -> (TempDir, SqliteLog) {
    let (folder, path) = folder();
    (folder, SqliteLog::open(path).await.unwrap())
}

/// An event for a position.
pub fn event(position: Position, tag: &str, data: &str) -> RecordedEvent {
    let header = EventHeader {
        position,
        id: Uuid::now_v7(),
        name: "Happened".into(),
        version: 1,
        tags: vec![Tag::from_text(tag)],
        meta: Arc::new(Meta::new()),
        recorded_at: Timestamp::now(),
    };
    RecordedEvent::new(header, data.into())
}

/// Appends one event, and returns its position.
pub async fn append(log: &SqliteLog, tag: &str, data: &str) -> Result<Position, StoreError> {
    let mut tx = log.begin().await?;
    let position = stage(&mut *tx, tag, data).await?;
    tx.commit().await?;
    Ok(position)
}

/// Appends one event that is not committed yet.
pub async fn stage(tx: &mut dyn LogTransaction, tag: &str, data: &str) -> Result<Position, StoreError> {
    let position = tx.head().next();
    tx.append(&[event(position, tag, data)], &[]).await?;
    Ok(position)
}

/// The data of every event, in order; positions must be dense.
pub async fn all(log: &SqliteLog) -> Vec<String> {
    let page = log.read(&EventQuery::all(), Position::START, 1_000_000).await.unwrap();
    for (event, position) in page.events.iter().zip(1_u64..) {
        assert_eq!(event.position(), position, "positions are dense");
    }
    page.events.iter().map(|event| event.data().to_owned()).collect()
}
