//! The steps of a commit.

use std::collections::BTreeMap;

use cqrs_core::log::StoreError;
use cqrs_core::view::buffer::{Change, Cleared, Collected};
use cqrs_core::view::{Lease, ViewShape};
use mongodb::bson::{DateTime, Document, doc};

use crate::error::{failed, other_shape};
use crate::row::{self, FORGET};
use crate::state::Places;
use crate::store::Store;

/// The maximum number of rows in one call, and the size of the documents in bytes after which a
/// call ends.
const ROWS_A_CALL: usize = 1_000;
const BYTES_A_CALL: usize = 1 << 20;

/// Writes the rows, then everything else in one step.
pub(crate) async fn write_all(store: &Store, collected: Collected, leases: Vec<Lease>) -> Result<(), StoreError> {
    let ((), state) = store.change(|state| state.check(&leases)).await?;
    let mut places = Places::default();
    for (shape, _) in &collected.rows {
        if !collected.is_cleared(shape.name) {
            let collection = state.collection(shape).ok_or_else(|| other_shape(&store.name, shape.name))?;
            places.written.insert(shape.name, (*shape, collection.to_owned()));
        }
    }
    for Cleared { shape, .. } in &collected.cleared {
        if let Some(shape) = shape
            && !places.emptied.contains_key(shape.name)
        {
            places.emptied.insert(shape.name, (*shape, store.new_collection(shape).await?));
        }
    }
    let forget = state.forget_at(&leases);
    for (shape, rows) in &collected.rows {
        let collection = places.of(shape.name).ok_or_else(|| other_shape(&store.name, shape.name))?;
        write_rows(store, collection, shape, rows, forget).await?;
    }
    // If no view is cleared, this commit has not changed the state so far. If another process has,
    // it is read again.
    let known = places.emptied.is_empty().then_some(state);
    let ((), state) = store.change_from(known, |state| state.finish(&leases, &collected, &places)).await?;
    for (shape, rows) in &collected.rows {
        let removes = rows.values().any(|change| matches!(change, Change::Remove(_)));
        if let (true, Some(collection), Some(passed)) = (removes, state.collection(shape), state.passed(shape)) {
            forget_marks(store, collection, passed, state.now).await;
        }
    }
    store.sweep(&state).await;
    Ok(())
}

async fn write_rows(
    store: &Store,
    collection: &str,
    shape: &ViewShape,
    rows: &BTreeMap<String, Change>,
    forget: DateTime,
) -> Result<(), StoreError> {
    let (mut documents, mut bytes) = (Vec::new(), 0);
    for (key, change) in rows {
        match change {
            Change::Put(row) => {
                shape.check(row).map_err(|error| failed(&store.name, error))?;
                bytes += row.document.len();
                documents.push(row::row(shape, row));
            }
            Change::Remove(position) => documents.push(row::mark(key, *position, forget)),
        }
        if documents.len() == ROWS_A_CALL || bytes >= BYTES_A_CALL {
            put(store, collection, std::mem::take(&mut documents)).await?;
            bytes = 0;
        }
    }
    if documents.is_empty() { Ok(()) } else { put(store, collection, documents).await }
}

/// Inserts or replaces documents. None replaces a later one.
async fn put(store: &Store, collection: &str, documents: Vec<Document>) -> Result<(), StoreError> {
    let update = |document: Document| {
        let (key, position) = (document.get("_id").cloned(), document.get("position").cloned());
        let is_later = doc! { "$gt": ["$position", position] };
        let stays = doc! { "$cond": [is_later, "$$ROOT", { "$literal": document }] };
        doc! { "q": { "_id": key }, "u": [{ "$replaceWith": stays }], "upsert": true }
    };
    store.update(collection, documents.into_iter().map(update).collect()).await
}

/// Deletes marks that the checkpoint has passed, and that no stalled process needs.
async fn forget_marks(store: &Store, collection: &str, passed: i64, now: DateTime) {
    let due = doc! { FORGET: { "$lte": now }, "position": { "$lte": passed } };
    if let Err(error) = store.within(store.rows(collection).delete_many(due)).await {
        tracing::debug!(%error, "cannot delete marks of removed rows; a later commit retries");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use cqrs_core::Uuid;
    use cqrs_core::log::Position;
    use cqrs_core::view::{Checkpoint, Row, ViewStore};
    use cqrs_test_servers::Mongo;
    use mongodb::Client;
    use mongodb::event::EventHandler;
    use mongodb::event::command::CommandEvent;
    use mongodb::options::ClientOptions;

    use super::*;
    use crate::views::MongoViews;

    const SHAPE: ViewShape =
        ViewShape { name: "Items", key: "item", indexes: &[], multi_indexes: &[], compounds: &[], fingerprint: 7 };

    /// Views that record the commands which they send.
    async fn watched() -> (MongoViews, Arc<Mutex<Vec<String>>>) {
        let url = Mongo::shared().url(&format!("test-{}", Uuid::now_v7()));
        let mut options = ClientOptions::parse(url).await.unwrap();
        let sent = Arc::<Mutex<Vec<String>>>::default();
        let note = Arc::clone(&sent);
        options.command_event_handler = Some(EventHandler::callback(move |event| {
            if let CommandEvent::Started(started) = event {
                note.lock().unwrap().push(started.command_name);
            }
        }));
        let database = Client::with_options(options).unwrap().default_database().unwrap();
        let store = Store::new(database, "the views".into(), "cqrs.".into(), Duration::from_secs(30));
        (MongoViews::new(store), sent)
    }

    #[tokio::test]
    async fn a_commit_reads_the_state_once_unless_another_changed_it() {
        let (views, sent) = watched().await;
        views.prepare(&SHAPE).await.unwrap();
        let row = |key: &str, position| Row {
            key: key.into(),
            indexes: Vec::new(),
            multi_values: Vec::new(),
            document: "{}".into(),
            position: Position::new(position),
        };
        let commit = async |position| {
            let mut tx = views.begin(&[]).await.unwrap();
            tx.write(&SHAPE, &[row("a", position), row("b", position)], &[]).await.unwrap();
            let reached = Checkpoint { position: Position::new(position), event: None, fingerprint: SHAPE.fingerprint };
            tx.set_checkpoints(&[("Items", reached)]).await.unwrap();
            sent.lock().unwrap().clear();
            tx.commit().await.unwrap();
            std::mem::take(&mut *sent.lock().unwrap())
        };
        // Reads the state, writes the rows, and replaces the state.
        assert_eq!(commit(1).await, ["aggregate", "update", "update"]);
        assert_eq!(commit(2).await, ["aggregate", "update", "update"]);
        let known = views.store().change(|_| Ok(())).await.unwrap().1;
        views.lease(&["Others"], "you", Duration::from_secs(60)).await.unwrap();
        let leased = views.store().change_from(Some(known), |state| Ok(state.lease("Others", "me", Duration::ZERO)));
        assert_eq!(leased.await.unwrap().0, None, "changes by others are read");
        let keys: Vec<String> = (0..2_500).map(|number| format!("{number:04}")).collect();
        sent.lock().unwrap().clear();
        assert_eq!(views.rows(&SHAPE, &keys).await.unwrap(), []);
        let reads = sent.lock().unwrap().iter().filter(|name| *name == "find").count();
        assert_eq!(reads, 3 + 1 + 1, "a thousand keys per call, and the view's collection before and after");
    }
}
