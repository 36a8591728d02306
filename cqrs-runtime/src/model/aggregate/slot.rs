//! Aggregates with their types erased: how a batch loads and folds them.

use std::any::{Any, TypeId};
use std::borrow::Cow;

use super::{Aggregate, AggregateState, FoldError};
use cqrs_core::debug::opaque_debug;
use cqrs_core::event::RecordedEvent;
use cqrs_core::id::{Id, Tag};
use cqrs_core::log::QueryItem;
use cqrs_core::snapshot::SnapshotKey;

/// An aggregate with its type erased: its identity, and its state once loaded.
pub trait AggregateSlot: Send + Sync {
    /// The aggregate's type.
    fn kind(&self) -> AggregateKind;
    /// The tag that it is loaded by.
    fn tag(&self) -> &Tag;
    /// Applies one of its events.
    fn fold(&mut self, event: &RecordedEvent) -> Result<(), FoldError>;
    /// The state, an `Option<A>`.
    fn state(&self) -> &(dyn Any + Send + Sync);
    /// The events that it is folded from.
    fn query(&self) -> QueryItem {
        QueryItem {
            names: self.kind().events.iter().map(|&name| Cow::Borrowed(name)).collect(),
            tags: vec![self.tag().clone()],
        }
    }
    /// An empty slot for the same aggregate.
    fn empty(&self) -> Box<dyn AggregateSlot>;
    /// The key of its snapshot, if its type has snapshots.
    fn snapshot_key(&self) -> Option<SnapshotKey>;
    /// The state as a snapshot, if there is a state; or why it cannot be written.
    fn write(&self) -> Result<Option<String>, String>;
    /// Restores the state from a snapshot; or says why it cannot be read.
    fn restore(&mut self, state: &str) -> Result<(), String>;
}

/// An aggregate's type at run time.
#[derive(Clone, Copy, Debug)]
pub struct AggregateKind {
    /// Identifies the type.
    pub type_id: TypeId,
    /// The type's name.
    pub name: &'static str,
    /// The prefix of its tags.
    pub prefix: &'static str,
    /// The names of its events.
    pub events: &'static [&'static str],
    /// Whether it has snapshots.
    pub snapshots: bool,
}

impl AggregateKind {
    fn of<A: Aggregate>() -> Self {
        let (prefix, snapshots) = (A::Id::PREFIX, A::SNAPSHOTS.is_some());
        Self { type_id: TypeId::of::<A>(), name: A::NAME, prefix, events: A::EVENTS, snapshots }
    }
}

/// How an aggregate is loaded.
#[doc(hidden)]
pub struct Slot<A: Aggregate>(fn(&A::Id) -> Box<dyn AggregateSlot>);

opaque_debug!([A: Aggregate] Slot<A>);

impl<A: Aggregate + AggregateState> Slot<A> {
    /// That of a state that threads may share.
    pub const OF: Self = Self(TypedSlot::<A>::boxed);
}

impl<A: Aggregate> Slot<A> {
    pub(crate) fn of(&self, id: &A::Id) -> Box<dyn AggregateSlot> {
        (self.0)(id)
    }
}

/// In place of [`Slot::OF`] for a state that threads may not share. Never called, since that does not compile.
#[doc(hidden)]
pub trait NoSlot<A: Aggregate> {
    /// Loads nothing.
    const OF: Slot<A> = Slot(|_| unreachable!("a state that threads may not share"));
}

impl<A: Aggregate> NoSlot<A> for Slot<A> {}

struct TypedSlot<A: Aggregate> {
    tag: Tag,
    id: A::Id,
    state: Option<A>,
}

impl<A: Aggregate + AggregateState> TypedSlot<A> {
    fn boxed(id: &A::Id) -> Box<dyn AggregateSlot> {
        Box::new(Self { tag: id.tag(), id: id.clone(), state: None })
    }
}

impl<A: Aggregate + AggregateState> AggregateSlot for TypedSlot<A> {
    fn kind(&self) -> AggregateKind {
        AggregateKind::of::<A>()
    }
    fn tag(&self) -> &Tag {
        &self.tag
    }
    fn fold(&mut self, event: &RecordedEvent) -> Result<(), FoldError> {
        A::fold(&mut self.state, event, &self.id)
    }
    fn state(&self) -> &(dyn Any + Send + Sync) {
        &self.state
    }
    fn empty(&self) -> Box<dyn AggregateSlot> {
        Box::new(Self { tag: self.tag.clone(), id: self.id.clone(), state: None })
    }
    fn snapshot_key(&self) -> Option<SnapshotKey> {
        A::SNAPSHOTS.map(|snapshots| snapshots.key(&self.tag))
    }
    fn write(&self) -> Result<Option<String>, String> {
        let (Some(snapshots), Some(state)) = (A::SNAPSHOTS, &self.state) else { return Ok(None) };
        snapshots.write(state).map(Some).map_err(|error| error.to_string())
    }
    fn restore(&mut self, state: &str) -> Result<(), String> {
        if let Some(snapshots) = A::SNAPSHOTS {
            self.state = Some(snapshots.read(state).map_err(|error| error.to_string())?);
        }
        Ok(())
    }
}
