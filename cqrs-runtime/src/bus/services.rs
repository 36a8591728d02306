//! The state that the buses and the contexts of handlers share.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use super::middleware::{CommandService, QueryService};
use super::read_side::{KeptBy, ReadSide, StoreSlot};
use super::wire_error::WireError;
use crate::model::consistency::After;
use crate::model::error::{Named, QueryError, UnknownName};
use crate::model::parameter_info::ParameterInfo;
use crate::model::parameters::State;
use crate::model::receipt::Receipt;
use crate::projection::views::Views;
use crate::projection::{Head, Inline, Runner, Wanted};
use crate::sequencer::Sequencer;
use crate::sequencer::snapshots::SnapshotWriter;
use crate::telemetry::{Recorder, TraceLink};
use cqrs_core::database::Database;
use cqrs_core::event_list::EventList;
use cqrs_core::log::EventLog;
use cqrs_core::meta::Meta;
use cqrs_core::store_error::{BoxFuture, StoreError};
use cqrs_core::view::{View, ViewStore};

/// The shared state of the buses and the contexts.
pub(crate) struct Services {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) handlers: Handlers,
    pub(crate) sequencer: Sequencer,
    pub(crate) inline: Arc<Inline>,
    pub(crate) head: Arc<Head>,
    pub(crate) snapshots: Arc<SnapshotWriter>,
    pub(crate) recorder: Recorder,
    pub(crate) trace_link: TraceLink,
    pub(crate) command_layers: Option<CommandService>,
    pub(crate) query_layers: Option<QueryService>,
    pub(crate) reads: ReadSide,
    pub(crate) states: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    pub(crate) max_bytes: usize,
    /// Other state of the app. It lives as long as one of its buses is in use.
    pub(crate) _app: Arc<dyn Any + Send + Sync>,
}

impl Services {
    /// The service of a type.
    ///
    /// # Panics
    /// If the app has no such service. `App::build` refuses that.
    pub(crate) fn state<T: ?Sized + Send + Sync + 'static>(&self) -> State<T> {
        self.states
            .get(&TypeId::of::<T>())
            .and_then(|state| state.downcast_ref::<State<T>>())
            .cloned()
            .unwrap_or_else(|| panic!("no state `{}`, although `App::build` checks for it", std::any::type_name::<T>()))
    }

    pub(crate) fn check_size(&self, data: &str) -> Result<(), WireError> {
        if data.len() > self.max_bytes {
            return Err(WireError::TooLarge(data.len(), self.max_bytes));
        }
        Ok(())
    }

    fn no_views(&self) -> StoreError {
        StoreError::Failed {
            store: self.log.describe(),
            reason: "it stores no views, and the app has no read database".into(),
        }
    }

    /// The rows of a view.
    pub(crate) fn view<V: View>(&self) -> Result<Views<V>, StoreError> {
        self.view_in(Arc::clone)
    }

    /// The rows of a view in the handle that `reads` returns for its store.
    pub(crate) fn view_in<V: View>(
        &self,
        reads: impl FnOnce(&Arc<dyn ViewStore>) -> Arc<dyn ViewStore>,
    ) -> Result<Views<V>, StoreError> {
        let slot = self.reads.of_view(V::LAYOUT.name).ok_or_else(|| self.no_views())?;
        // A view that no projection makes has no rows under any name.
        let shape = self.reads.shape_of(V::LAYOUT.name).unwrap_or(V::LAYOUT.shape(V::LAYOUT.fields));
        Ok(Views::new(reads(&slot.store), shape, slot.gate()))
    }

    /// The store that `Reader<Db>` reads from, once it has processed the log as far as requested.
    pub(crate) async fn readable<Db: Database>(&self, after: Option<After>) -> Result<&dyn ViewStore, QueryError> {
        let slot = self.reads.of_database(TypeId::of::<Db>()).ok_or_else(|| self.no_views())?;
        self.wait_in(slot, after, Wanted::All).await?;
        if let (KeptBy::Runner(runner), None) = (&slot.by, after) {
            runner.progress_table().require_tables(&*slot.store).await?;
        }
        Ok(&*slot.store)
    }

    /// Waits until a view has processed the log up to a position. Level 1: up to the log's head.
    pub(crate) async fn wait_for_view(&self, after: Option<After>, view: &'static str) -> Result<(), QueryError> {
        match self.reads.of_view(view) {
            Some(slot) => self.wait_in(slot, after, Wanted::View(view)).await,
            None => Err(self.no_views().into()),
        }
    }

    /// Waits until a projection has reached a position.
    pub(crate) async fn wait_for_projection(&self, after: After, projection: &'static str) -> Result<(), QueryError> {
        let slot = self.reads.of_projection(projection).ok_or_else(|| self.no_views())?;
        self.wait_in(slot, Some(after), Wanted::Projection(projection)).await
    }

    /// Waits until every projection has reached a position.
    pub(crate) async fn wait_for_all(&self, after: After) -> Result<(), QueryError> {
        let deadline = Instant::now() + after.within;
        for slot in &self.reads.slots {
            let within = deadline.saturating_duration_since(Instant::now());
            self.wait_in(slot, Some(After { within, ..after }), Wanted::All).await?;
        }
        Ok(())
    }

    async fn wait_in(&self, slot: &StoreSlot, after: Option<After>, wanted: Wanted) -> Result<(), QueryError> {
        match (&slot.by, after) {
            (KeptBy::Runner(runner), Some(after)) => {
                self.look_for(runner, &after);
                runner.progress_table().wait(&*slot.store, after, wanted).await
            }
            (KeptBy::Commands(follower), after) => follower.wait(wanted, after).await,
            (KeptBy::Runner(_), None) | (KeptBy::Nobody, _) => Ok(()),
        }
    }

    /// Makes a runner look for an event that another process has appended, instead of waiting for the log's
    /// notification.
    fn look_for(&self, runner: &Runner, after: &After) {
        if self.head.get() < after.position {
            runner.look();
        }
    }
}

/// Runs a command's handler by its JSON.
pub(crate) type WireCommand =
    fn(Arc<Services>, Meta, Box<str>) -> BoxFuture<'static, Result<Receipt<serde_json::Value>, WireError>>;

/// Runs a query's handler by its JSON.
pub(crate) type WireAnswer =
    fn(Arc<Services>, Asked, Box<str>) -> BoxFuture<'static, Result<serde_json::Value, WireError>>;

/// Runs a message's handler by its type, for callers that do not know of the handler. What comes in is a message of the handler's,
/// and what comes out is its [`Reply`](crate::message::Message::Reply).
pub(crate) type TypedCommand = fn(Arc<Services>, Meta, Box<dyn Any + Send>) -> BoxFuture<'static, Box<dyn Any + Send>>;

/// The same for a query.
pub(crate) type TypedAnswer = fn(Arc<Services>, Asked, Box<dyn Any + Send>) -> BoxFuture<'static, Box<dyn Any + Send>>;

/// How a query is asked.
#[derive(Clone, Default)]
pub(crate) struct Asked {
    pub(crate) meta: Option<Meta>,
    pub(crate) after: Option<After>,
}

/// A command's handler.
#[derive(Debug)]
pub struct CommandHandlerInfo {
    /// The command's name.
    pub command: &'static str,
    /// The function's name.
    pub function: &'static str,
    /// Whether it is a workflow (`async fn`) rather than a decision.
    pub workflow: bool,
    /// Its parameters after the command.
    pub parameters: &'static [ParameterInfo],
    /// The events that it may emit.
    pub emits: &'static EventList,
    /// Runs it by JSON.
    pub(crate) wire: WireCommand,
    /// Runs it by the command's type.
    pub(crate) typed: TypedCommand,
    /// The command's type.
    pub(crate) type_id: fn() -> TypeId,
}

/// A query's handler.
#[derive(Debug)]
pub struct QueryHandlerInfo {
    /// The query's name.
    pub query: &'static str,
    /// The function's name.
    pub function: &'static str,
    /// Its parameters after the query.
    pub parameters: &'static [ParameterInfo],
    /// Runs it by JSON.
    pub(crate) wire: WireAnswer,
    /// Runs it by the query's type.
    pub(crate) typed: TypedAnswer,
    /// The query's type.
    pub(crate) type_id: fn() -> TypeId,
}

/// The handlers that the app serves, by the names of their messages.
#[derive(Default)]
pub(crate) struct Handlers {
    pub(crate) commands: BTreeMap<&'static str, &'static CommandHandlerInfo>,
    pub(crate) queries: BTreeMap<&'static str, &'static QueryHandlerInfo>,
}

impl Handlers {
    /// The handler of the command with this name.
    pub(crate) fn command(&self, name: &str) -> Result<&'static CommandHandlerInfo, WireError> {
        self.commands.get(name).copied().ok_or_else(|| unknown(Named::Command, name, self.commands.keys()))
    }

    /// The handler of the query with this name.
    pub(crate) fn query(&self, name: &str) -> Result<&'static QueryHandlerInfo, WireError> {
        self.queries.get(name).copied().ok_or_else(|| unknown(Named::Query, name, self.queries.keys()))
    }
}

fn unknown<'a>(what: Named, name: &str, known: impl Iterator<Item = &'a &'static str>) -> WireError {
    WireError::Unknown(UnknownName { what, name: name.to_owned(), known: known.copied().collect() })
}
