//! Calls to the server.

use std::future::IntoFuture;
use std::time::Duration;

use cqrs_core::log::StoreError;
use cqrs_core::view::ViewShape;
use mongodb::bson::{DateTime, Document, deserialize_from_bson, doc};
use mongodb::options::{CollectionOptions, IndexOptions, WriteConcern};
use mongodb::{Collection, Database, IndexModel};
use serde::de::DeserializeOwned;

use crate::error::{CallError, commit_error, failed, other_shape, store_error};
use crate::row::{FORGET, indexed};
use crate::state::{Refused, STATE, State};

/// How many characters of a view's name go into the name of its collection, which has a maximum
/// length.
const NAMED: usize = 60;

/// A database, and the prefix of its collections.
pub(crate) struct Store {
    database: Database,
    /// The store's name in errors.
    pub(crate) name: String,
    prefix: String,
    response_timeout: Duration,
}

impl Store {
    pub(crate) fn new(database: Database, name: String, prefix: String, response_timeout: Duration) -> Self {
        Self { database, name, prefix, response_timeout }
    }

    /// Waits for an answer, with a time limit.
    pub(crate) async fn within<T>(
        &self,
        call: impl IntoFuture<Output = mongodb::error::Result<T>>,
    ) -> Result<T, CallError> {
        let answered = tokio::time::timeout(self.response_timeout, call.into_future()).await;
        Ok(answered.map_err(|_| CallError::Late)??)
    }

    pub(crate) fn error(&self, error: &CallError) -> StoreError {
        store_error(&self.name, error)
    }

    pub(crate) fn refused(&self, refused: &Refused) -> StoreError {
        match refused {
            Refused::Lost(projection) => failed(
                &self.name,
                format!(
                    "lost the lease on projection `{projection}`: another process has acquired it, or the \
                     database was emptied"
                ),
            ),
            Refused::OtherShape(view) => other_shape(&self.name, view),
        }
    }

    // ---- the state ----------------------------------------------------------------------------------------------------------

    /// The collection of the state. A write to it counts only when it and all earlier writes are on
    /// the disks of most servers.
    fn states(&self) -> Collection<State> {
        let mut safe = WriteConcern::majority();
        safe.journal = Some(true);
        safe.w_timeout = Some(self.response_timeout);
        let options = CollectionOptions::builder().write_concern(safe).build();
        self.database.collection_with_options(&format!("{}{STATE}", self.prefix), options)
    }

    /// One field of the state.
    pub(crate) async fn part<T: DeserializeOwned + Default>(&self, field: &str) -> Result<T, StoreError> {
        let states = self.states().clone_with_type::<Document>();
        let found = self.within(states.find_one(doc! { "_id": STATE }).projection(doc! { field: 1 })).await;
        let found = found.map_err(|error| self.error(&error))?;
        let Some(part) = found.and_then(|mut state| state.remove(field)) else { return Ok(T::default()) };
        deserialize_from_bson(part)
            .map_err(|error| failed(&self.name, format!("field `{field}` of the state document is damaged: {error}")))
    }

    /// The state and the server's time. Creates the state in an empty database.
    async fn state(&self) -> Result<State, CallError> {
        let states = self.states();
        loop {
            let pipeline = [doc! { "$match": { "_id": STATE } }, doc! { "$set": { "now": "$$NOW" } }];
            let mut found = self.within(states.aggregate(pipeline).with_type::<State>()).await?;
            if self.within(found.advance()).await? {
                return Ok(found.deserialize_current()?);
            }
            match self.within(states.insert_one(State::empty(DateTime::MIN))).await {
                Err(error) if !error.is_duplicate() => return Err(error),
                _ => {}
            }
        }
    }

    /// Changes the state in one step, or not at all. `change` may be called several times.
    pub(crate) async fn change<T>(
        &self,
        change: impl Fn(&mut State) -> Result<T, Refused>,
    ) -> Result<(T, State), StoreError> {
        self.change_from(None, change).await
    }

    /// The same, from a state that was read before. This saves a round trip, unless another process
    /// has changed it.
    pub(crate) async fn change_from<T>(
        &self,
        mut known: Option<State>,
        change: impl Fn(&mut State) -> Result<T, Refused>,
    ) -> Result<(T, State), StoreError> {
        loop {
            let read = match known.take() {
                Some(known) => known,
                None => self.state().await.map_err(|error| self.error(&error))?,
            };
            let mut before = read.clone();
            before.count();
            let mut state = before.clone();
            let done = change(&mut state).map_err(|refused| self.refused(&refused))?;
            if state == before {
                return Ok((done, read));
            }
            let unchanged = doc! { "_id": STATE, "number": read.number };
            let replaced = self.within(self.states().replace_one(unchanged, &state)).await;
            if replaced.map_err(|error| commit_error(&self.name, &error))?.matched_count == 1 {
                return Ok((done, state));
            }
        }
    }

    // ---- collections ----------------------------------------------------------------------------------------------------

    /// A collection of rows.
    pub(crate) fn rows(&self, collection: &str) -> Collection<Document> {
        self.database.collection(collection)
    }

    /// Creates an empty collection that may become a view's.
    pub(crate) async fn new_collection(&self, shape: &ViewShape) -> Result<String, StoreError> {
        let named: String =
            shape.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(NAMED).collect();
        let (collection, _) = self
            .change(|state| {
                let collection = format!("{}{named}.{}", self.prefix, state.number);
                state.new_pending(shape, &collection);
                Ok(collection)
            })
            .await?;
        let sparse = IndexOptions::builder().sparse(true).build();
        let mut indexes = vec![IndexModel::builder().keys(doc! { FORGET: 1 }).options(sparse).build()];
        for index in shape.indexes.iter().chain(shape.multi_indexes) {
            indexes.push(IndexModel::builder().keys(doc! { indexed(index.name): 1, "_id": 1 }).build());
        }
        for compound in shape.compounds {
            let mut keys: Document = compound.iter().map(|name| (indexed(name), 1.into())).collect();
            keys.insert("_id", 1);
            indexes.push(IndexModel::builder().keys(keys).build());
        }
        let made = self.within(self.rows(&collection).create_indexes(indexes)).await;
        made.map_err(|error| self.error(&error))?;
        Ok(collection)
    }

    /// Updates documents one by one.
    pub(crate) async fn update(&self, collection: &str, updates: Vec<Document>) -> Result<(), StoreError> {
        let command = doc! { "update": collection, "updates": updates, "ordered": false };
        let answer = self.within(self.database.run_command(command)).await.map_err(|error| self.error(&error))?;
        match answer.get_array("writeErrors").ok().and_then(|errors| errors.first()) {
            Some(error) => Err(failed(&self.name, format!("cannot write a row: {error}"))),
            None => Ok(()),
        }
    }

    /// Drops collections that no view reads any more. The next commit drops the rest.
    pub(crate) async fn sweep(&self, state: &State) {
        let due = state.due();
        for collection in &due {
            if let Err(error) = self.within(self.rows(collection).drop()).await {
                tracing::debug!(%error, "cannot drop an unused collection; the next commit retries");
                return;
            }
        }
        if !due.is_empty()
            && let Err(error) = self
                .change(|state| {
                    state.dropped(&due);
                    Ok(())
                })
                .await
        {
            tracing::debug!(%error, "unused collections were dropped, and will be dropped again");
        }
    }
}
