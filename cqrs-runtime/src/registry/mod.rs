//! The registrations of the macros: one per message, model and handler, collected when the program is linked.
//!
//! A crate that is in `Cargo.toml` and never named in source is not linked, and contributes nothing. `use that_crate as _;`
//! keeps it.

use std::any::TypeId;
use std::panic::Location;

mod describe;
mod messages;
pub(crate) mod table;

pub use describe::Description;
pub(crate) use messages::served;
pub use messages::{FieldForm, MessageField, ServedMessage, fields, undeclared};

pub use crate::bus::services::{CommandHandlerInfo, QueryHandlerInfo};
use crate::model::aggregate::{Aggregate, AggregateState};
use crate::model::exposure::Exposure;
use crate::model::message::{Command, Query};
pub use crate::model::parameter_info::{AggregateEvents, ParameterInfo, Resource};
pub use crate::policy::reaction::PolicyInfo;
use crate::policy::reaction::{FormerName, Reaction};
pub use crate::projection::info::ProjectionInfo;
use crate::projection::{ErasedProjection, Fold, Handle};
use cqrs_core::event::{Event, TagInfo};
use cqrs_core::id::Id;
use cqrs_core::json::Stored;
use cqrs_core::view::{View, ViewLayout};

/// One thing that a macro has registered.
#[derive(Debug)]
pub struct Registration {
    /// The module that contains it.
    pub module: &'static str,
    /// The location of the macro call.
    pub location: &'static Location<'static>,
    /// The registered item.
    pub item: Item,
}

inventory::collect!(Registration);

/// An item that a macro registers.
#[derive(Debug)]
pub enum Item {
    /// `#[derive(Command)]`
    Command(MessageInfo),
    /// `#[derive(Query)]`
    Query(MessageInfo),
    /// `#[derive(Event)]`
    Event(EventInfo),
    /// `#[aggregate]`
    Aggregate(AggregateInfo),
    /// `#[derive(View)]`
    View(ViewInfo),
    /// `#[projection]`
    Projection(ProjectionInfo),
    /// `#[command]`
    CommandHandler(CommandHandlerInfo),
    /// `#[query]`
    QueryHandler(QueryHandlerInfo),
    /// `#[policy]`
    Policy(PolicyInfo),
}

/// A command or a query.
#[derive(Debug)]
pub struct MessageInfo {
    /// Its name on the wire.
    pub name: &'static str,
    /// Its Rust type.
    pub type_name: fn() -> &'static str,
    /// The Rust type of what it returns.
    pub returns: fn() -> &'static str,
    /// Its fields.
    pub fields: fn() -> Vec<MessageField>,
    /// How it is reached from outside, and by whom.
    pub exposure: Exposure,
    /// Its doc comment, and the schemas of its JSON and of its answer's.
    pub docs: MessageDocs,
    /// The type of a command's domain error.
    pub error: Option<fn() -> TypeId>,
}

/// What a document for other programs says about a message.
#[derive(Clone, Copy, Debug)]
pub struct MessageDocs {
    /// Its doc comment.
    pub text: &'static str,
    /// Makes the JSON schema of the message. `None` if its type derives no `JsonSchema`, or the feature `schema` is off.
    pub schema: Option<fn() -> serde_json::Value>,
    /// Makes that of the answer, or of what a command returns.
    pub answer: Option<fn() -> serde_json::Value>,
}

impl MessageDocs {
    /// Of a message that says nothing.
    pub const NONE: Self = Self { text: "", schema: None, answer: None };
}

/// An event.
#[derive(Debug)]
pub struct EventInfo {
    /// Its name in the log.
    pub name: &'static str,
    /// Its version.
    pub version: u32,
    /// Its tag fields.
    pub tags: &'static [TagInfo],
    /// Its Rust type.
    pub type_name: fn() -> &'static str,
    /// Its fields as the source writes them, without those that serde skips.
    pub fields: &'static [FieldInfo],
    /// What `#[serde(..)]` on the type says about how its fields are stored.
    pub serde: &'static str,
    /// Makes its JSON schema, where the type derives `JsonSchema` and the feature `schema` is on.
    pub schema: Option<fn() -> serde_json::Value>,
}

/// A field of an event, as the source writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its name in the stored JSON, or its number in a tuple struct.
    pub name: &'static str,
    /// Its type.
    pub type_written: &'static str,
    /// Whether a stored event can be read without it: it is an `Option`, or `#[serde(default)]`.
    pub optional: bool,
    /// What else `#[serde(..)]` says about how it is stored.
    pub serde: &'static str,
}

/// An aggregate.
#[derive(Debug)]
pub struct AggregateInfo {
    /// Its name.
    pub name: &'static str,
    /// Its Rust type.
    pub type_name: fn() -> &'static str,
    /// The prefix of its tags.
    pub prefix: &'static str,
    /// The Rust type of its id.
    pub id: fn() -> &'static str,
    /// The events that it is folded from.
    pub events: &'static [&'static str],
    /// The events of its tag that it ignores, aloud.
    pub ignored: &'static [&'static str],
}

/// A view.
#[derive(Debug)]
pub struct ViewInfo {
    /// Its name and its columns.
    pub layout: ViewLayout,
    /// Its Rust type.
    pub type_name: fn() -> &'static str,
}

/// How the commands, queries and so on of one linked program are listed: see [`registered`].
impl Registration {
    /// Registers a command.
    #[must_use]
    #[track_caller]
    pub const fn command<C: Command + Stored>(module: &'static str) -> Self {
        Self::new(
            module,
            Item::Command(MessageInfo {
                name: C::NAME,
                type_name: std::any::type_name::<C>,
                returns: std::any::type_name::<C::Returns>,
                fields: fields::<C>,
                exposure: C::EXPOSURE,
                docs: MessageDocs::NONE,
                error: Some(TypeId::of::<C::Error>),
            }),
        )
    }

    /// Registers a query.
    #[must_use]
    #[track_caller]
    pub const fn query<Q: Query + Stored>(module: &'static str) -> Self {
        Self::new(
            module,
            Item::Query(MessageInfo {
                name: Q::NAME,
                type_name: std::any::type_name::<Q>,
                returns: std::any::type_name::<Q::Returns>,
                fields: fields::<Q>,
                exposure: Q::EXPOSURE,
                docs: MessageDocs::NONE,
                error: None,
            }),
        )
    }

    /// Adds what a document for other programs says about a message.
    #[must_use]
    pub const fn documented(mut self, docs: MessageDocs) -> Self {
        if let Item::Command(info) | Item::Query(info) = &mut self.item {
            info.docs = docs;
        }
        self
    }

    /// Registers an event, with all that is known about how it is stored.
    #[must_use]
    #[track_caller]
    pub const fn event<E: Event + Stored>(
        module: &'static str,
        fields: &'static [FieldInfo],
        serde: &'static str,
        schema: Option<fn() -> serde_json::Value>,
    ) -> Self {
        Self::new(
            module,
            Item::Event(EventInfo {
                name: E::NAME,
                version: E::VERSION,
                tags: E::TAGS,
                type_name: std::any::type_name::<E>,
                fields,
                serde,
                schema,
            }),
        )
    }

    /// Registers an aggregate.
    #[must_use]
    #[track_caller]
    pub const fn aggregate<A: Aggregate + AggregateState>(module: &'static str) -> Self {
        Self::new(
            module,
            Item::Aggregate(AggregateInfo {
                name: A::NAME,
                type_name: std::any::type_name::<A>,
                prefix: A::Id::PREFIX,
                id: std::any::type_name::<A::Id>,
                events: A::EVENTS,
                ignored: A::IGNORED,
            }),
        )
    }

    /// Registers a view.
    #[must_use]
    #[track_caller]
    pub const fn view<V: View + Stored>(module: &'static str) -> Self {
        Self::new(module, Item::View(ViewInfo { layout: V::LAYOUT, type_name: std::any::type_name::<V> }))
    }

    /// Registers a projection of fold methods.
    #[must_use]
    #[track_caller]
    pub const fn fold<P: Fold>(module: &'static str, look_ups: &'static [&'static str]) -> Self {
        Self::new(
            module,
            Item::Projection(ProjectionInfo {
                name: P::NAME,
                view: Some(P::View::LAYOUT),
                events: P::EVENTS,
                look_ups,
                database: None,
                basis: P::BASIS,
                shape: Some(P::View::JSON.shape),
                make: ErasedProjection::fold::<P>,
            }),
        )
    }

    /// Registers a projection of async methods.
    #[must_use]
    #[track_caller]
    pub const fn handle<P: Handle>(module: &'static str) -> Self {
        Self::new(
            module,
            Item::Projection(ProjectionInfo {
                name: P::NAME,
                view: None,
                events: P::EVENTS,
                look_ups: &[],
                database: Some(Resource::database::<P::Database>()),
                basis: P::BASIS,
                shape: None,
                make: ErasedProjection::handle::<P>,
            }),
        )
    }

    /// Registers a policy.
    #[must_use]
    #[track_caller]
    pub const fn policy(
        module: &'static str,
        name: &'static str,
        owner: &'static str,
        from_start: bool,
        was: Option<FormerName>,
        reactions: &'static [Reaction],
    ) -> Self {
        Self::new(module, Item::Policy(PolicyInfo { name, owner, from_start, was, reactions }))
    }

    /// File, line and module: paths of files begin at their crate, so that several crates have the same.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}, in {}", self.location.file(), self.location.line(), self.module)
    }

    #[track_caller]
    const fn new(module: &'static str, item: Item) -> Self {
        Self { module, location: Location::caller(), item }
    }
}

/// Everything that is linked into this program.
pub fn registered() -> impl Iterator<Item = &'static Registration> {
    inventory::iter::<Registration>()
}
