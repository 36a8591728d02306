//! Aggregates: the write side's state, folded from events.

use std::any::type_name;

use self::slot::Slot;
use crate::model::snapshot::Snapshots;
use cqrs_core::event::{DecodeError, RecordedEvent};
use cqrs_core::id::{Id, Tag};
use cqrs_core::position::Position;
use cqrs_core::shape::Hash;
use cqrs_core::snapshot::SnapshotKey;

pub mod slot;

/// A write model: the state that decisions use. Implemented by `#[aggregate(id = .., on = [..])]`.
#[diagnostic::on_unimplemented(
    message = "[CQRS203] `{Self}` is not an aggregate",
    label = "no `#[aggregate(id = .., on = [..])]`",
    note = "a decision is made on aggregates, which the log's events alone make",
    note = "if it is the write side's state, put `#[aggregate(id = .., on = [..])]` on an `impl` of its fold methods",
    note = "a service is taken as `State<T>`, and a database as `&mut Tx<Db>`, by a workflow: `#[command] async fn`; a view lags behind the log, and only a query reads it: `Views<V>`",
    note = "see: cqrs_runtime::rules#cqrs203"
)]
pub trait Aggregate: Sized + 'static {
    /// The type's name, for messages.
    const NAME: &'static str;
    /// The id that it is loaded by.
    type Id: Id;
    /// The names of the events that it is folded from.
    const EVENTS: &'static [&'static str];
    /// The names of the events with its tag that do not change it: `ignore = [..]`.
    const IGNORED: &'static [&'static str] = &[];
    /// Whether any event creates it. Otherwise the program does not compile.
    #[doc(hidden)]
    const CREATES: bool = true;
    /// How it is loaded: [`Slot::OF`].
    #[doc(hidden)]
    const SLOT: Slot<Self>;
    /// How its state is stored as a snapshot, if `snapshots` is set.
    const SNAPSHOTS: Option<Snapshots<Self>> = None;

    /// Applies one event by the method for its name. An event with another name changes nothing.
    ///
    /// # Errors
    /// The event cannot be decoded, creates a state that exists, or changes one that does not exist.
    fn fold(state: &mut Option<Self>, event: &RecordedEvent, id: &Self::Id) -> Result<(), FoldError>;
}

impl<A: Aggregate> Snapshots<A> {
    /// The fingerprint of every snapshot that this program can read.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut events: Vec<_> = A::EVENTS.iter().zip(self.versions).collect();
        events.sort_unstable();
        let mut hash = Hash::default();
        hash.part(&format!("{} {events:?} {:016x}", self.fold, (self.shape)()));
        hash.0
    }

    pub(crate) fn key(&self, tag: &Tag) -> SnapshotKey {
        SnapshotKey { aggregate: type_name::<A>().into(), tag: tag.clone(), fingerprint: self.fingerprint() }
    }

    pub(crate) fn write(&self, state: &A) -> serde_json::Result<String> {
        (self.write)(state)
    }

    pub(crate) fn read(&self, text: &str) -> serde_json::Result<A> {
        (self.read)(text)
    }
}

/// A state that may be kept in memory and lent to decisions in any thread. `#[aggregate]` requires it once.
///
/// Deliberately not a supertrait of [`Aggregate`]: otherwise rustc would repeat the error for each thing that threads may not share, and
/// at every use. Generic code that gives an `A: Aggregate` to another thread needs the bound `A: Aggregate + AggregateState`.
#[diagnostic::on_unimplemented(
    message = "[CQRS203] the state `{Self}` cannot be shared between threads",
    label = "not `Send + Sync + 'static`",
    note = "an aggregate is kept in memory, and decisions in several threads look at it",
    note = "hold what threads may share: `Arc` in place of `Rc`, a plain field in place of a `Cell` or `RefCell`, a value in place of a reference or a pointer",
    note = "see: cqrs_runtime::rules#cqrs203"
)]
pub trait AggregateState: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<S: Send + Sync + 'static> AggregateState for S {}

/// An aggregate whose events a projection listens to: `on = Order`.
#[diagnostic::on_unimplemented(
    message = "[CQRS501] `on = {Self}` does not name an aggregate",
    label = "not an aggregate",
    note = "`on = Order`, without brackets, listens to all events of the aggregate `Order`",
    note = "list events in brackets: `on = [{Self}]`",
    note = "see: cqrs_runtime::rules#cqrs501"
)]
pub trait HasEvents {
    /// See [`Aggregate::EVENTS`].
    const EVENTS: &'static [&'static str];
}

#[diagnostic::do_not_recommend]
impl<A: Aggregate> HasEvents for A {
    const EVENTS: &'static [&'static str] = A::EVENTS;
}

/// Why an event could not be folded into an aggregate or a view.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event `{event}` at position {position}: {reason}")]
pub struct FoldError {
    /// The event's name.
    pub event: String,
    /// The event's position in the log.
    pub position: Position,
    /// What is wrong with it.
    pub reason: FoldRefusal,
}

/// What is wrong with an event that could not be folded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FoldRefusal {
    /// It cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Its method creates the state, but the state exists.
    #[error("it creates a state that already exists")]
    AlreadyThere,
    /// Its method changes the state, but the state does not exist.
    #[error("it changes a state that does not exist")]
    NotThere,
    /// It made a view with another key than the one that routed it.
    #[error("it was routed by key `{routed}`, but made a view with key `{made}`")]
    OtherKey {
        /// The key that routed the event.
        routed: String,
        /// The key of the view.
        made: String,
    },
    /// An async projection's method returned an error.
    #[error("{0}")]
    Failed(String),
    /// The method panicked.
    #[error("its method panicked: {0}")]
    Panicked(String),
}

impl FoldError {
    pub(crate) fn at(event: &RecordedEvent, reason: impl Into<FoldRefusal>) -> Self {
        Self { event: event.name().to_owned(), position: event.position(), reason: reason.into() }
    }
}
