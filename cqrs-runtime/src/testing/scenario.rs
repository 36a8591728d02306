//! The "given" and "when" of a scenario.

use std::sync::Arc;

use super::events::{described, record};
use super::outcome::Outcome;
use crate::app::{App, AppBuilder};
use crate::bus::handler::Handled;
use crate::model::parameter_info::ParameterInfo;
use crate::registry::{Item, registered};
use cqrs_core::debug::opaque_debug;
use cqrs_core::event::{Event, EventHeader, Events, Recorded, RecordedEvent};
use cqrs_core::json::KeepError;
use cqrs_core::log::{EventLog, EventQuery};
use cqrs_core::memory::MemoryLog;
use cqrs_core::meta::Meta;
use cqrs_core::position::Position;
use cqrs_core::time::Timestamp;

/// What a test is given: past events, and the services that a workflow takes.
#[must_use = "a scenario does nothing until `.when(..)`, `.view(..)`, `.views()` or `.ask(..)`"]
#[derive(Default)]
pub struct Scenario {
    pub(super) history: Vec<RecordedEvent>,
    /// How many of them were there before the last call of `given` or `and`.
    before: usize,
    pub(super) app: AppBuilder,
    pub(super) meta: Option<Meta>,
    at: Option<Timestamp>,
}

opaque_debug!(Scenario { history, meta });

/// The events of a scenario, in any shape that a handler may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has not happened: it is no event",
    label = "not an event, nor a tuple, array, `Vec` or `Option` of them",
    note = "`given(..)` and `.and(..)` take events, `.when(..)` takes the command",
    note = "write `given(event).when(command)`, or `nothing().when(command)`"
)]
pub trait Happened: Events {}

#[diagnostic::do_not_recommend]
impl<E: Events> Happened for E {}

/// A scenario in which these events have happened: an event, or a tuple, array, `Vec` or `Option` of events.
///
/// # Panics
/// If `serde` refuses to write an event.
#[track_caller]
pub fn given(events: impl Happened) -> Scenario {
    nothing().and(events)
}

/// A scenario in which nothing has happened.
pub fn nothing() -> Scenario {
    Scenario::default()
}

/// An event for a policy or projection that takes `&Recorded<E>`: the first of a log, emitted just now.
///
/// # Panics
/// If `serde` refuses to write it.
#[track_caller]
pub fn recorded<E: Event>(event: E) -> Recorded<E> {
    let stored = record(event, Position::START, &Meta::new()).pop().expect("one event gives one recorded event");
    let event = stored.decode_owned::<E>();
    event.unwrap_or_else(|error| panic!("a written event cannot be read: {error}"))
}

impl Scenario {
    /// Adds later events.
    ///
    /// # Panics
    /// If `serde` refuses to write an event.
    #[track_caller]
    pub fn and(mut self, events: impl Happened) -> Self {
        let meta = Meta::new();
        self.before = self.history.len();
        self.history.extend(record(events, Position::new(self.history.len() as u64), &meta));
        self
    }

    /// Sets when the events of the last `given` or `and` happened: their [`recorded_at`](crate::Recorded::recorded_at), and the time in
    /// their metadata. Commands and queries of this scenario are sent at that time too, unless [`meta`](Self::meta) has another.
    ///
    /// ```
    /// # use cqrs_runtime::prelude::*;
    /// # use cqrs_runtime::testing::given;
    /// # #[derive(Id)] pub struct DoorId(Uuid);
    /// # #[derive(Event, Serialize, Deserialize)] pub struct DoorOpened { #[tag] door: DoorId }
    /// #[derive(View, Serialize, Deserialize)]
    /// pub struct LastUse { #[key] door: DoorId, at: Timestamp }
    ///
    /// #[projection(on = [DoorOpened])]
    /// impl LastUse {
    ///     fn opened(_: Option<Self>, event: &Recorded<DoorOpened>) -> Self {
    ///         Self { door: event.door, at: event.recorded_at() }
    ///     }
    /// }
    ///
    /// let (door, noon) = (DoorId::new(), "2026-05-01T12:00:00Z".parse().unwrap());
    /// assert_eq!(given(DoorOpened { door }).at(noon).view::<LastUse>(door).unwrap().at, noon);
    /// ```
    pub fn at(mut self, time: Timestamp) -> Self {
        self.at = Some(time);
        for event in &mut self.history[self.before..] {
            let header = event.header().clone();
            let meta = Arc::new(Meta { at: time, ..Meta::clone(&header.meta) });
            *event = RecordedEvent::new(EventHeader { meta, recorded_at: time, ..header }, event.data().into());
        }
        self
    }

    /// The metadata of the command or query.
    pub(super) fn sent(&mut self) -> Meta {
        let now = || self.at.map_or_else(Meta::new, |at| Meta { at, ..Meta::new() });
        self.meta.take().unwrap_or_else(now)
    }

    /// Adds a service that the workflow takes as `State<T>`.
    pub fn state<T: Send + Sync + 'static>(mut self, service: T) -> Self {
        self.app = self.app.state(service);
        self
    }

    /// Adds a shared service, such as a trait object: workflows take it as `State<dyn Gateway>`.
    pub fn shared_state<T: ?Sized + Send + Sync + 'static>(mut self, service: Arc<T>) -> Self {
        self.app = self.app.shared_state(service);
        self
    }

    /// Sets who sends the command, and when.
    pub fn meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// Runs a command by its handler.
    ///
    /// # Panics
    /// If the handler takes a database transaction, which a log in memory does not have, or a service that was not
    /// added.
    #[track_caller]
    pub fn when<C: Handled<H>, H: 'static>(mut self, command: C) -> Outcome<C> {
        refuse_transaction(C::NAME);
        let when = format!("{} {}", C::NAME, json((C::JSON.write)(&command)));
        let given = described(&self.history);
        let (log, meta) = (Arc::new(MemoryLog::new()), self.sent());
        let (result, stated) = block_on(async {
            let before = store(&log, &self.history).await;
            let app: App = self.app.unchecked(Arc::clone(&log) as Arc<dyn EventLog>, &[]);
            let result = app.commands().with_meta(meta).execute(command).await;
            let stated = log.read(&EventQuery::all(), before, usize::MAX).await;
            (result, stated.expect("memory can be read").events)
        });
        Outcome { given, when, result, stated }
    }
}

async fn store(log: &MemoryLog, history: &[RecordedEvent]) -> Position {
    let mut tx = log.begin().await.expect("memory can be locked");
    tx.append(history, &[]).await.expect("memory can be written");
    tx.commit().await.expect("memory can be written");
    Position::new(history.len() as u64)
}

/// Refuses a handler that takes a transaction, before it would panic for lack of one.
#[track_caller]
fn refuse_transaction(command: &str) {
    let handlers = registered().filter_map(|entry| match &entry.item {
        Item::CommandHandler(info) if info.command == command => Some(info),
        _ => None,
    });
    let wants = |parameter: &ParameterInfo| match parameter {
        ParameterInfo::Transaction(resource) => Some((resource.name)()),
        _ => None,
    };
    let mut wanted = Vec::new();
    for handler in handlers {
        match handler.parameters.iter().find_map(wants) {
            Some(database) => wanted.push((handler.function, database)),
            None => return,
        }
    }
    if let Some((function, database)) = wanted.first() {
        panic!(
            "`{function}` takes `&mut Tx<{database}>`, but a scenario has no database; test it on an app, \
             `App::builder().log(..)`, with a log in that database"
        );
    }
}

fn json(written: Result<String, KeepError>) -> String {
    written.unwrap_or_else(|error| format!("(not writable as JSON: {error})"))
}

/// Runs a future to its end, inside or outside a runtime, on a separate thread.
pub(super) fn block_on<T: Send>(future: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            runtime.expect("a runtime can be built").block_on(future)
        };
        scope.spawn(run).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
