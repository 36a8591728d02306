//! What handlers' parameters need, as the macros register it.

use std::any::TypeId;

use crate::model::aggregate::Aggregate;
use cqrs_core::database::{Database, DatabaseInfo};
use cqrs_core::id::Id;
use cqrs_core::view::ViewLayout;

/// How an aggregate handles the events with its id's tag.
#[derive(Clone, Copy, Debug)]
pub struct AggregateEvents {
    /// The aggregate's name.
    pub name: &'static str,
    /// The prefix of its tags.
    pub prefix: &'static str,
    /// The names of the events that it folds.
    pub folded: &'static [&'static str],
    /// The names of the events that it ignores explicitly.
    pub ignored: &'static [&'static str],
    /// Whether the parameter is an `Absent<A>`.
    pub must_be_absent: bool,
}

impl AggregateEvents {
    /// Those of aggregate `A`.
    #[must_use]
    pub const fn of<A: Aggregate>() -> Self {
        Self { name: A::NAME, prefix: A::Id::PREFIX, folded: A::EVENTS, ignored: A::IGNORED, must_be_absent: false }
    }

    /// Those of an aggregate that must not exist yet.
    #[must_use]
    pub(crate) const fn absent<A: Aggregate>() -> Self {
        Self { must_be_absent: true, ..Self::of::<A>() }
    }
}

/// A type that the app must provide.
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    /// Identifies the type.
    pub type_id: fn() -> TypeId,
    /// Its name, for messages.
    pub name: fn() -> &'static str,
}

impl Resource {
    /// Type `T`.
    pub(crate) const fn of<T: ?Sized + 'static>() -> Self {
        Self { type_id: TypeId::of::<T>, name: std::any::type_name::<T> }
    }

    /// A database goes by its type's own name: an adapter may re-export it from a module that its users cannot see.
    pub(crate) const fn database<Db: Database>() -> Self {
        let name = || {
            let path = std::any::type_name::<Db>();
            path.rsplit_once("::").map_or(path, |(_, name)| name)
        };
        Self { type_id: TypeId::of::<Db>, name }
    }

    /// Whether it is this database.
    pub(crate) fn is(self, there: Option<DatabaseInfo>) -> bool {
        there.is_some_and(|there| there.type_id == (self.type_id)())
    }
}

/// The resource that a handler's parameter needs.
#[derive(Debug, Clone, Copy)]
pub enum ParameterInfo {
    /// An aggregate, and what it does about the events of its tag.
    Aggregate(AggregateEvents),
    /// A service.
    State(Resource),
    /// The log's database.
    Transaction(Resource),
    /// The read database.
    Reader(Resource),
    /// A view.
    View(ViewLayout),
    /// Nothing that could be missing.
    Nothing,
}
