//! Questions about a type that the macros cannot answer.

use std::marker::PhantomData;

use serde::Serialize;

use crate::model::aggregate::{Aggregate, AggregateState};
use crate::model::boundary::AggregateParameter;
use crate::model::message::{Command, Query};
use crate::model::outcome::{HandlerResult, Outcome};
use crate::model::parameter_info::{AggregateEvents, ParameterInfo, Resource};
use crate::model::parameters::{Stale, State};
use crate::projection::views::Views;
use cqrs_core::database::{Database, Reader, Tx};
use cqrs_core::event::Event;
use cqrs_core::event_list::EventList;
use cqrs_core::view::View;

/// Asks questions about a type that may or may not implement a trait, without an error where it does not: an inherent
/// constant, where its bound holds, comes before the trait [`Unless`]'s constant of the same name.
pub struct Probe<T: ?Sized>(PhantomData<T>);

/// The answers of a [`Probe`] for types that do not implement the trait in question.
pub trait Unless {
    /// Not a command.
    const IS_COMMAND: bool = false;
    /// Not a query.
    const IS_QUERY: bool = false;
    /// Not an event.
    const IS_EVENT: bool = false;
    /// Not to be shared between threads.
    const IS_SHARED: bool = false;
    /// Not a view.
    const IS_VIEW: bool = false;
    /// Not `Serialize`.
    const IS_WRITTEN: bool = false;
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

impl<T: AggregateState> Probe<T> {
    /// What threads may share.
    pub const IS_SHARED: bool = true;
}

impl<T: View> Probe<T> {
    /// A view.
    pub const IS_VIEW: bool = true;
}

impl<T: Serialize> Probe<T> {
    /// What serde can write.
    pub const IS_WRITTEN: bool = true;
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
    crate::bus::command::CommandBus,
    crate::bus::query::QueryBus,
    crate::bus::query::QueryBus<crate::model::consistency::AfterPosition>,
    dyn cqrs_core::log::EventLog,
    cqrs_core::memory::MemoryLog
);

impl<T: HandlerResult> Probe<T>
where
    T::Success: Outcome,
{
    /// The events that a handler with this result may emit.
    pub const EMITS: &'static EventList = &<T::Success as Outcome>::LIST;
}

impl<T: AggregateParameter<'static>> Probe<T> {
    /// Whether the handler loads an aggregate for it.
    pub const LOADED: bool = T::LOADED;
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
    const INFO: ParameterInfo = ParameterInfo::Aggregate(AggregateEvents::absent::<A>());
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

/// `T`, where `IS` is `true`, and `()` otherwise: what a check is about, where another has not refused it already.
pub trait Where<const IS: bool> {
    /// The one or the other.
    type Type;
}

impl<T> Where<true> for T {
    type Type = T;
}

impl<T> Where<false> for T {
    type Type = ();
}
