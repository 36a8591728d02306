//! Aggregates: the write side's state, folded from events.

use crate::event::{DecodeError, Decoded, Event, RecordedEvent};
use crate::id::Id;
use crate::log::Position;
use crate::snapshot::Snapshots;

/// A write model: what decisions are made on. Made by `#[aggregate(id = .., on = [..])]`.
#[diagnostic::on_unimplemented(
    message = "[CQRS203] `{Self}` is not an aggregate",
    label = "no `#[aggregate(id = .., on = [..])]`",
    note = "a decision is made on aggregates, which the log's events alone make",
    note = "if it is the write side's state, put `#[aggregate(id = .., on = [..])]` on an `impl` of its fold methods",
    note = "a service is taken as `State<T>`, and a database as `&mut Tx<Db>`, by a workflow: `#[command] async fn`; a view lags behind the log, and only a query reads it: `Views<V>`",
    note = "see: cqrs_runtime::rules#cqrs203"
)]
pub trait Aggregate: Sized + Send + Sync + 'static {
    /// The type's name, for messages.
    const NAME: &'static str;
    /// What it is loaded by.
    type Id: Id;
    /// The names of the events that it is folded from.
    const EVENTS: &'static [&'static str];
    /// The names of the events that carry its tag and change nothing in it: `ignore = [..]`.
    const IGNORED: &'static [&'static str] = &[];
    /// Whether some event makes it. One that none makes does not compile.
    #[doc(hidden)]
    const CREATES: bool = true;
    /// How its state is kept beside the log, where `snapshots` asks for that.
    const SNAPSHOTS: Option<Snapshots<Self>> = None;

    /// Applies one event: its method, found by the event's name. An event of another name changes nothing.
    ///
    /// # Errors
    /// The event cannot be decoded, makes what is there already, or changes what is not there.
    fn fold(state: &mut Option<Self>, event: &RecordedEvent, id: &Self::Id) -> Result<(), FoldError>;
}

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
    /// Where it stands in the log.
    pub position: Position,
    /// What is wrong with it.
    pub reason: FoldRefusal,
}

/// What is wrong with an event that could not be folded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldRefusal {
    /// It cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Its method makes the state, which is there already.
    #[error("it makes what is there already")]
    AlreadyThere,
    /// Its method changes the state, which is not there.
    #[error("it changes what is not there")]
    NotThere,
    /// It made a view of another key than the one it was routed by.
    #[error("it was found by key `{routed}`, and made a view of key `{made}`")]
    OtherKey {
        /// The key that the event named.
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

/// Decodes an event for a fold method.
pub fn decode<E: Event>(event: &RecordedEvent) -> Result<Decoded<'_, E>, FoldError> {
    event.decode::<E>().map_err(|error| FoldError::at(event, error))
}

/// What a fold method takes last as its own identity: the aggregate's id, the row's key.
#[diagnostic::on_unimplemented(
    message = "[CQRS402] a fold method cannot take `&{Self}`",
    label = "not `{I}`, the identity of what it folds into",
    note = "history has happened: applying it can neither fail nor answer, and it happens again at each replay",
    note = "beside the event it may take its own identity, last: `id: &{I}`; what else it needs belongs in the event",
    note = "see: cqrs_runtime::rules#cqrs402"
)]
pub trait IdentityOf<I> {
    /// The same.
    fn of(identity: &I) -> &Self;
}

#[diagnostic::do_not_recommend]
impl<I> IdentityOf<I> for I {
    fn of(identity: &I) -> &Self {
        identity
    }
}

/// As [`IdentityOf`], of a view's row.
#[diagnostic::on_unimplemented(
    message = "[CQRS503] a projection cannot take `&{Self}`",
    label = "not `{K}`, the key of the row",
    note = "a projection is replayed, and its side effects would happen again",
    note = "beside the event it may look up another view, `Option<&V>`, and take its row's key, last: `key: &{K}`",
    note = "see: cqrs_runtime::rules#cqrs503"
)]
pub trait KeyOf<K> {
    /// The same.
    fn of(key: &K) -> &Self;
}

#[diagnostic::do_not_recommend]
impl<K> KeyOf<K> for K {
    fn of(key: &K) -> &Self {
        key
    }
}

/// A second way, so that the compiler takes `K` from the key at hand instead of from the parameter that is held against it.
#[diagnostic::do_not_recommend]
impl<T> KeyOf<NoKey<T>> for T {
    fn of(key: &NoKey<T>) -> &Self {
        match key.0 {}
    }
}

/// The key of no row.
pub struct NoKey<T>(std::convert::Infallible, std::marker::PhantomData<T>);

/// See [`KeyOf`].
pub fn key_of<T: KeyOf<K>, K>(key: &K) -> &T {
    T::of(key)
}

/// The forms of a fold method, as `#[aggregate]` calls them.
pub mod fold {
    use super::{FoldError, FoldRefusal, RecordedEvent};

    /// `fn created(e: &E) -> Self`
    pub fn create<S>(
        state: &mut Option<S>,
        event: &RecordedEvent,
        method: impl FnOnce() -> S,
    ) -> Result<(), FoldError> {
        if state.is_some() {
            return Err(FoldError::at(event, FoldRefusal::AlreadyThere));
        }
        *state = Some(method());
        Ok(())
    }

    /// `fn shipped(&mut self, e: &E)`
    pub fn change<S>(
        state: &mut Option<S>,
        event: &RecordedEvent,
        method: impl FnOnce(&mut S),
    ) -> Result<(), FoldError> {
        method(state.as_mut().ok_or_else(|| FoldError::at(event, FoldRefusal::NotThere))?);
        Ok(())
    }

    /// `fn sold(this: Option<Self>, e: &E) -> Self`
    pub fn make_or_change<S>(state: &mut Option<S>, method: impl FnOnce(Option<S>) -> S) -> Result<(), FoldError> {
        *state = Some(method(state.take()));
        Ok(())
    }
}
