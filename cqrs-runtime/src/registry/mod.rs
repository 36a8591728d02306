//! What the macros register: one entry a message, a model and a handler, collected when the program is linked.
//!
//! A crate that is in `Cargo.toml` and never named in source is not linked, and contributes nothing. `use that_crate as _;`
//! keeps it.

use std::any::TypeId;
use std::marker::PhantomData;
use std::panic::Location;

mod describe;
pub(crate) mod table;

pub use describe::Description;

use crate::bus::wire::{WireAnswer, WireCommand};
use crate::core::debug::opaque_debug;
use crate::core::event::{Event, TagInfo};
use crate::core::id::Id;
use crate::core::json::Stored;
use crate::core::view::{View, ViewLayout};
use crate::expansion::emits::{AggregateEvents, EventList};
use crate::model::aggregate::Aggregate;
use crate::model::message::{Command, Query};
use crate::model::outcome::{HandlerResult, Outcome};
use crate::model::parameters::{Database, Reader, Stale, State, Tx};
use crate::policy::PolicyInfo;
use crate::projection::views::Views;
use crate::projection::{Basis, ErasedProjection, Fold, Handle};

/// One thing that a macro has registered.
#[derive(Debug)]
pub struct Registration {
    /// The module that it stands in.
    pub module: &'static str,
    /// Where the macro stands.
    pub location: &'static Location<'static>,
    /// What it is.
    pub item: Item,
}

inventory::collect!(Registration);

/// What is registered.
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

/// A projection.
#[derive(Debug)]
pub struct ProjectionInfo {
    /// Its name.
    pub name: &'static str,
    /// The view that it makes; `None` for an async projection.
    pub view: Option<ViewLayout>,
    /// The events that it listens to.
    pub events: &'static [&'static str],
    /// The names of the views that it looks up.
    pub look_ups: &'static [&'static str],
    /// The database that it writes to, if it is an async projection.
    pub database: Option<Resource>,
    /// What its rows depend on other than the view.
    pub(crate) basis: Basis,
    /// The fingerprint of the view's shape, nested types included.
    pub(crate) shape: Option<fn() -> u64>,
    pub(crate) make: fn() -> ErasedProjection,
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
    pub(crate) wire: WireCommand,
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
    pub(crate) wire: WireAnswer,
}

/// A type that the app must have been given.
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    /// Tells types apart.
    pub type_id: fn() -> TypeId,
    /// Its name, for messages.
    pub name: fn() -> &'static str,
}

impl Resource {
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
}

/// What a handler's parameter needs.
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
            }),
        )
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
    pub const fn aggregate<A: Aggregate>(module: &'static str) -> Self {
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

/// Asks questions about a type that may or may not implement a trait, without an error where it does not: an inherent
/// constant, where its bound holds, comes before the trait [`Unless`]'s constant of the same name.
pub struct Probe<T: ?Sized>(PhantomData<T>);

opaque_debug!([T: ?Sized] Probe<T>);

/// The answers of a [`Probe`] for types that do not implement the trait in question.
pub trait Unless {
    /// Not a command.
    const IS_COMMAND: bool = false;
    /// Not a query.
    const IS_QUERY: bool = false;
    /// Not an event.
    const IS_EVENT: bool = false;
    /// Not `()`.
    const IS_NOTHING: bool = false;
    /// Not a way to send commands, or to the log, handed out as a service.
    const IS_BUS: bool = false;
    /// Not an aggregate that a handler loads.
    const LOADED: bool = false;
    /// No parameter of a handler.
    const PARAMETER: ParameterInfo = ParameterInfo::Nothing;
    /// No result of a handler.
    const EMITS: &'static EventList = EventList::NONE;
    /// No JSON schema: the type derives none, or the feature `schema` is off.
    const SCHEMA: Option<fn() -> serde_json::Value> = None;
    /// What stands for such a type inside another's schema: anything.
    #[cfg(feature = "schema")]
    const SUBSCHEMA: fn(&mut schemars::SchemaGenerator) -> schemars::Schema = |_| true.into();
}

impl<T: ?Sized> Unless for Probe<T> {}

impl<T: Command> Probe<T> {
    /// A command.
    pub const IS_COMMAND: bool = true;
}

impl<T: Query> Probe<T> {
    /// A query.
    pub const IS_QUERY: bool = true;
}

impl<T: Event> Probe<T> {
    /// An event.
    pub const IS_EVENT: bool = true;
}

impl Probe<()> {
    /// `()`.
    pub const IS_NOTHING: bool = true;
}

macro_rules! buses {
    ($($bus:ty),+) => {$(
        impl Probe<State<$bus>> {
            /// A way around what the signature says.
            pub const IS_BUS: bool = true;
        }
        impl Probe<State<std::sync::Arc<$bus>>> {
            /// A way around what the signature says.
            pub const IS_BUS: bool = true;
        }
    )+};
}
buses!(
    crate::app::App,
    crate::bus::command::CommandBus,
    crate::bus::query::QueryBus,
    crate::bus::query::QueryBus<crate::model::consistency::AfterPosition>,
    dyn crate::core::log::EventLog,
    crate::core::memory::MemoryLog
);

impl<T: HandlerResult> Probe<T>
where
    T::Success: Outcome,
{
    /// The events that a handler with this result may emit.
    pub const EMITS: &'static EventList = &<T::Success as Outcome>::LIST;
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> Probe<T> {
    /// Makes the JSON schema of what can be read as a `T`.
    pub const SCHEMA: Option<fn() -> serde_json::Value> = Some(|| {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_deserialize();
        settings.into_generator().into_root_schema_for::<T>().to_value()
    });
    /// The schema of a `T` inside another type.
    pub const SUBSCHEMA: fn(&mut schemars::SchemaGenerator) -> schemars::Schema =
        |generator| generator.subschema_for::<T>();
}

impl<T: Parameter> Probe<T> {
    /// What the parameter needs.
    pub const PARAMETER: ParameterInfo = T::INFO;
}

/// A type that some handler may take.
pub trait Parameter {
    /// What it needs.
    const INFO: ParameterInfo;
}

impl<A: Aggregate> Parameter for &A {
    const INFO: ParameterInfo = ParameterInfo::Aggregate(AggregateEvents::of::<A>());
}
impl<A: Aggregate> Parameter for Option<&A> {
    const INFO: ParameterInfo = ParameterInfo::Aggregate(AggregateEvents::of::<A>());
}
impl<A: Aggregate> Parameter for crate::model::boundary::Absent<A> {
    const INFO: ParameterInfo = ParameterInfo::Aggregate(AggregateEvents::of::<A>());
}
impl<A: Aggregate> Parameter for crate::model::boundary::Many<'_, A> {
    const INFO: ParameterInfo = ParameterInfo::Aggregate(AggregateEvents::of::<A>());
}
impl<T: ?Sized + Send + Sync + 'static> Parameter for State<T> {
    const INFO: ParameterInfo = ParameterInfo::State(Resource::of::<T>());
}
impl<Db: Database> Parameter for Tx<Db> {
    const INFO: ParameterInfo = ParameterInfo::Transaction(Resource::database::<Db>());
}
impl<Db: Database> Parameter for Reader<Db> {
    const INFO: ParameterInfo = ParameterInfo::Reader(Resource::database::<Db>());
}
impl<V: View> Parameter for Views<V> {
    const INFO: ParameterInfo = ParameterInfo::View(V::LAYOUT);
}
impl<T: Parameter> Parameter for Stale<T> {
    const INFO: ParameterInfo = T::INFO;
}

/// `JsonSchema` for an identifier: the schema of its value. Nothing without the feature `schema`.
#[cfg(feature = "schema")]
#[doc(hidden)]
#[macro_export]
macro_rules! __id_schema {
    ($id:ident, $inner:ty) => {
        #[automatically_derived]
        impl $crate::__private::schemars::JsonSchema for $id {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::Borrowed(::core::stringify!($id))
            }
            fn json_schema(
                generator: &mut $crate::__private::schemars::SchemaGenerator,
            ) -> $crate::__private::schemars::Schema {
                #[allow(unused_imports)]
                use $crate::__private::Unless as _;
                $crate::__private::Probe::<$inner>::SUBSCHEMA(generator)
            }
        }
    };
}

/// `JsonSchema` for an identifier: the schema of its value. Nothing without the feature `schema`.
#[cfg(not(feature = "schema"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __id_schema {
    ($id:ident, $inner:ty) => {};
}

/// Refuses what the macros cannot see and the compiler can: where `condition` is false, `message` is the compile error,
/// at the place that this is called from.
///
/// # Panics
/// Where `condition` is false: while compiling, since it is called in constants only.
#[track_caller]
pub const fn require(condition: bool, message: &str) {
    assert!(condition, "{}", message);
}

/// Whether two names are one.
#[must_use]
pub const fn same_name(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// How many of an event's tags have this prefix. The tag that stands in for those of a faulty event has none, and counts.
#[must_use]
pub(crate) const fn tags_of(tags: &[TagInfo], prefix: &str) -> usize {
    let (mut at, mut found) = (0, 0);
    while at < tags.len() {
        if tags[at].prefix.is_empty() || same_name(tags[at].prefix, prefix) {
            found += 1;
        }
        at += 1;
    }
    found
}

/// Whether two lists, neither of which repeats itself, hold the same names in any order.
#[must_use]
pub const fn same_events(one: &[&str], other: &[&str]) -> bool {
    let mut at = 0;
    while at < one.len() {
        let mut against = 0;
        while against < other.len() && !same_name(one[at], other[against]) {
            against += 1;
        }
        if against == other.len() {
            return false;
        }
        at += 1;
    }
    one.len() == other.len()
}
