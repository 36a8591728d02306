//! The steps of a commit.

use std::collections::BTreeMap;

use cqrs_runtime::log::StoreError;
use cqrs_runtime::view::buffer::{Change, Cleared, Collected};
use cqrs_runtime::view::{Lease, ViewShape};
use mongodb::bson::{DateTime, Document, doc};

use crate::error::{failed, other_shape};
use crate::row::{self, FORGET};
use crate::state::Places;
use crate::store::Store;

/// One call holds so many rows, and so many bytes of documents, if there is more than one.
const ROWS_A_CALL: usize = 1_000;
const BYTES_A_CALL: usize = 1 << 20;

/// Writes the rows, and then, in one step, all else.
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
    let ((), state) = store.change(|state| state.finish(&leases, &collected, &places)).await?;
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
                if row.indexes.len() != shape.indexes.len() {
                    let (has, needs) = (row.indexes.len(), shape.indexes.len());
                    let reason = format!("a row of view `{}` has {has} index values, not {needs}", shape.name);
                    return Err(failed(&store.name, reason));
                }
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

/// Puts documents in place of those that have their keys, none over a later one.
async fn put(store: &Store, collection: &str, documents: Vec<Document>) -> Result<(), StoreError> {
    let update = |document: Document| {
        let (key, position) = (document.get("_id").cloned(), document.get("position").cloned());
        let is_later = doc! { "$gt": ["$position", position] };
        let stays = doc! { "$cond": [is_later, "$$ROOT", { "$literal": document }] };
        doc! { "q": { "_id": key }, "u": [{ "$replaceWith": stays }], "upsert": true }
    };
    store.update(collection, documents.into_iter().map(update).collect()).await
}

/// Deletes marks that the checkpoint has passed, and that no straggler can be surprised by.
async fn forget_marks(store: &Store, collection: &str, passed: i64, now: DateTime) {
    let due = doc! { FORGET: { "$lte": now }, "position": { "$lte": passed } };
    if let Err(error) = store.within(store.rows(collection).delete_many(due)).await {
        tracing::debug!(%error, "marks of removed rows could not be deleted: a later commit tries again");
    }
}
