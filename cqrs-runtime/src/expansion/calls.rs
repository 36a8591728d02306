//! What `#[command]` and `#[query]` expand to calls of, so that a handler whose first parameter is no message is one error.
//!
//! Everything that an expansion does for a message type `M` it does through [`Calls<M>`](Calls). Where `M` is the message that
//! it should be, these are inherent functions, with bounds whose errors say what is wrong. Where it is not, the compiler
//! has said so already, at the parameter; then the functions of [`Fallback`] are found instead, which ask for nothing.

use std::any::TypeId;
use std::convert::Infallible;
use std::future::Ready;
use std::marker::PhantomData;
use std::panic::Location;

use serde::Serialize;

use crate::bus::command_context::{CommandContext, Work};
use crate::bus::handler::{Answered, Handled, Here};
use crate::bus::query_context::QueryContext;
use crate::bus::services::{CommandHandlerInfo, QueryHandlerInfo, TypedAnswer, TypedCommand, WireAnswer, WireCommand};
use crate::bus::wire;
use crate::expansion::compile_time::tags_of;
use crate::expansion::fields::{NO_FIELD, NO_KEY, field_name};
use crate::model::aggregate::FoldError;
use crate::model::boundary::{AggregateParameter, Boundary, Loaded};
use crate::model::error::{CommandError, QueryError, Refusal};
use crate::model::message::{Answering, Command, Handling, Query};
use crate::model::outcome::{
    AnswerDeclared, AnswerError, Emission, ErrorDeclared, HandlerResult, QueryResult, ReturnsDeclared,
};
use crate::model::parameter_info::ParameterInfo;
use crate::model::receipt::Receipt;
use crate::projection::overlay::{FindsRow, LookUps, Rows};
use crate::registry::{Item, Registration};
use cqrs_core::column::{Column, Value};
use cqrs_core::event::{Decoded, Emitted, Event, Events, RecordedEvent};
use cqrs_core::event_list::EventList;
use cqrs_core::id::{Id, Tag, TagField};
use cqrs_core::meta::Meta;
use cqrs_core::view::{IndexOf, View};

/// What `#[command]` implements for its first parameter's type. With [`Command`] it makes [`Handled`].
///
/// Not a subtrait of `Command`: that would be one more place for the same error.
pub trait CommandHandler<H = Here>: Sized {
    /// Runs the handler.
    fn handle(self, context: CommandContext) -> impl Future<Output = Handling<Self>> + Send
    where
        Self: Command;
}

#[diagnostic::do_not_recommend]
impl<C: Command + CommandHandler<H>, H> Handled<H> for C {
    fn handle(self, context: CommandContext) -> impl Future<Output = Handling<Self>> + Send {
        CommandHandler::handle(self, context)
    }
}

/// What `#[query]` implements for its first parameter's type. With [`Query`] it makes [`Answered`].
pub trait QueryHandler<H = Here>: Sized {
    /// Runs the handler.
    fn answer(self, context: QueryContext) -> impl Future<Output = Answering<Self>> + Send
    where
        Self: Query;
}

#[diagnostic::do_not_recommend]
impl<Q: Query + QueryHandler<H>, H> Answered<H> for Q {
    fn answer(self, context: QueryContext) -> impl Future<Output = Answering<Self>> + Send {
        QueryHandler::answer(self, context)
    }
}

/// What an expansion does for message type `M`.
pub struct Calls<M>(PhantomData<M>);

impl<C: Command> Calls<C> {
    /// See [`Command::FIELDS`].
    pub const FIELDS: Option<&'static [&'static str]> = Some(C::FIELDS);

    /// See [`CommandContext::decide`].
    pub fn decide<B, D>(
        context: CommandContext,
        command: C,
        boundary: B,
        decision: D,
    ) -> impl Future<Output = Handling<C>> + Send
    where
        B: FnOnce(&C, &Meta, &mut Boundary),
        D: FnOnce(C, &Loaded<'_>, &Meta) -> Result<Emission<C::Returns>, CommandError<C::Error>> + Send + 'static,
    {
        context.decide(command, boundary, decision)
    }

    /// See [`CommandContext::begin`].
    ///
    /// # Errors
    /// The answer to give at once.
    pub fn begin(
        context: &CommandContext,
        command: &C,
        transaction: bool,
        boundary: impl FnOnce(&C, &Meta, &mut Boundary),
    ) -> impl Future<Output = Result<Work, Handling<C>>> {
        context.begin(command, transaction, boundary)
    }

    /// See `Work::finish`.
    pub fn finish(
        work: Work,
        context: &CommandContext,
        result: Result<Emission<C::Returns>, CommandError<C::Error>>,
    ) -> impl Future<Output = Handling<C>> {
        work.finish::<C>(context, result)
    }

    /// See [`super::results::emitted`]. The result is not an argument, so that an error about its type points at the result.
    #[must_use]
    #[allow(clippy::type_complexity, reason = "one function pointer, written out for readers of an expansion")]
    pub fn emitted<T, E>() -> fn(Result<T, E>) -> Result<Emission<C::Returns>, CommandError<C::Error>>
    where
        T: ReturnsDeclared<C::Returns>,
        E: ErrorDeclared<C::Error>,
    {
        super::results::emitted::<C, T, E>
    }

    /// The same for a result whose types are not written out, an alias.
    #[must_use]
    #[allow(clippy::type_complexity, reason = "as above")]
    pub fn emitted_as<R>() -> fn(R) -> Result<Emission<C::Returns>, CommandError<C::Error>>
    where
        R: HandlerResult,
        R::Success: ReturnsDeclared<C::Returns>,
        R::Failure: ErrorDeclared<C::Error>,
    {
        |result| super::results::emitted::<C, _, _>(result.into_result())
    }
}

impl<Q: Query> Calls<Q> {
    /// See `results::answered`. The result is not an argument, so that an error about its type points at the result.
    #[must_use]
    pub fn answered<T, E>() -> fn(Result<T, E>) -> Answering<Q>
    where
        T: AnswerDeclared<Q::Returns>,
        E: AnswerError,
    {
        super::results::answered::<Q, T, E>
    }

    /// The same for a result whose types are not written out, an alias.
    #[must_use]
    pub fn answered_as<R>() -> fn(R) -> Answering<Q>
    where
        R: QueryResult,
        R::Success: AnswerDeclared<Q::Returns>,
        R::Failure: AnswerError,
    {
        |result| super::results::answered::<Q, _, _>(result.into_result())
    }
}

impl<P: Send> Calls<P> {
    /// See [`CommandContext::running`]. `P` are the aggregates that the handler takes: what threads may not share of them is refused as
    /// such, once.
    pub fn running<F: Future>(context: &CommandContext, handler: F) -> impl Future<Output = F::Output> {
        context.running(handler)
    }
}

impl<'a, P: AggregateParameter<'a>> Calls<P> {
    /// See [`Loaded::get`]. A parameter that is not an aggregate is an error where the boundary is loaded.
    ///
    /// # Errors
    /// The aggregate is not there, or is.
    pub fn take(loaded: &Loaded<'a>, index: usize, meta: &'a Meta) -> Result<P, Refusal> {
        loaded.get(index, meta)
    }
}

impl<E: Event> Calls<E> {
    /// See [`Event::NAME`].
    pub const NAME: &'static str = E::NAME;
    /// See [`Event::VERSION`].
    pub const VERSION: u32 = E::VERSION;

    /// See [`super::folds::decode`].
    ///
    /// # Errors
    /// The event cannot be read.
    pub fn decode(event: &RecordedEvent) -> Result<Decoded<'_, E>, FoldError> {
        super::folds::decode(event)
    }
}

impl<E: Events> Calls<E> {
    /// See [`Events::emit`].
    pub fn emit(event: E, to: &mut Emitted) {
        event.emit(to);
    }
}

impl<T: TagField> Calls<T> {
    /// See [`TagField::add_tags`].
    pub fn add_tags(field: &T, tags: &mut Vec<Tag>) {
        field.add_tags(tags);
    }
}

impl<T: Column> Calls<T> {
    /// See [`Column::to_value`].
    pub fn value(field: &T) -> Value {
        field.to_value()
    }

    /// The values of a multi-valued index, each once and in order. What is stored as null is no value.
    pub fn values<'a>(field: impl IntoIterator<Item = &'a T>) -> Vec<Value>
    where
        T: 'a,
    {
        let values = field.into_iter().map(Column::to_value).filter(|value| !value.is_storable_null());
        let mut values: Vec<Value> = values.collect();
        values.sort_by(Value::order);
        values.dedup_by(|a, b| a.order(b).is_eq());
        values
    }
}

impl<V: View> Calls<V> {
    /// The hash of the name of the view's key.
    pub const KEY: u64 = if V::LAYOUT.key.is_empty() { NO_KEY } else { field_name(V::LAYOUT.key) };

    /// See [`Rows::create`].
    pub fn create(rows: &mut Rows<'_, V>, event: &RecordedEvent, key: &impl FindsRow<V>, method: impl FnOnce() -> V) {
        rows.create(event, key, method);
    }

    /// See [`Rows::change`].
    pub fn change(rows: &mut Rows<'_, V>, event: &RecordedEvent, key: &impl FindsRow<V>, method: impl FnOnce(&mut V)) {
        rows.change(event, key, method);
    }

    /// See [`Rows::make_or_change`].
    pub fn make_or_change(
        rows: &mut Rows<'_, V>,
        event: &RecordedEvent,
        key: &impl FindsRow<V>,
        method: impl FnOnce(Option<V>) -> V,
    ) {
        rows.make_or_change(event, key, method);
    }

    /// See [`Rows::change_or_end`].
    pub fn change_or_end(
        rows: &mut Rows<'_, V>,
        event: &RecordedEvent,
        key: &impl FindsRow<V>,
        method: impl FnOnce(V) -> Option<V>,
    ) {
        rows.change_or_end(event, key, method);
    }

    /// See [`Rows::change_by`].
    pub fn change_by<T: Column>(
        rows: &mut Rows<'_, V>,
        event: &RecordedEvent,
        index: impl IndexOf<V, T>,
        value: &T,
        method: impl FnMut(&mut V),
    ) {
        rows.change_by(event, index, value, method);
    }

    /// See [`Rows::change_or_end_by`].
    pub fn change_or_end_by<T: Column>(
        rows: &mut Rows<'_, V>,
        event: &RecordedEvent,
        index: impl IndexOf<V, T>,
        value: &T,
        method: impl FnMut(V) -> Option<V>,
    ) {
        rows.change_or_end_by(event, index, value, method);
    }

    /// See [`LookUps::get`].
    pub fn look_up<'a>(look_ups: &'a LookUps<'_>, key: &impl FindsRow<V>) -> Option<&'a V> {
        look_ups.get(key)
    }
}

impl<E: Event, I: Id> Calls<(E, I)> {
    /// How many tags of this identifier's the event has.
    pub const TAGS: usize = tags_of(E::TAGS, I::PREFIX);
}

/// In place of [`Handling`].
pub type NoHandling = Result<Receipt<Infallible>, CommandError<Infallible>>;

/// The functions of [`Calls`] for a type that is not the message it should be. Never called, since that does not compile.
pub trait Fallback {
    /// In place of [`Calls::decide`].
    fn decide<M, B, D, T>(_: CommandContext, _: M, _: B, _: D) -> Ready<T> {
        unreachable!("not a command")
    }
    /// In place of [`Calls::begin`].
    fn begin<M, B>(_: &CommandContext, _: M, _: bool, _: B) -> Ready<Result<Work, NoHandling>> {
        unreachable!("not a command")
    }
    /// In place of [`Calls::finish`].
    fn finish<T>(_: Work, _: &CommandContext, _: T) -> Ready<NoHandling> {
        unreachable!("not a command")
    }
    /// In place of [`Calls::running`].
    fn running<F: Future>(_: &CommandContext, _: F) -> Ready<F::Output> {
        unreachable!("not to be sent to another thread")
    }
    /// In place of [`Calls::emitted`].
    #[must_use]
    fn emitted<T, E>() -> fn(Result<T, E>) -> NoHandling {
        |_| unreachable!("not a command")
    }
    /// In place of [`Calls::emitted_as`].
    #[must_use]
    fn emitted_as<R>() -> fn(R) -> NoHandling {
        |_| unreachable!("not a command")
    }
    /// In place of [`Calls::answered`].
    #[must_use]
    fn answered<T, E>() -> fn(Result<T, E>) -> Result<Infallible, QueryError> {
        |_| unreachable!("not a query")
    }
    /// In place of [`Calls::answered_as`].
    #[must_use]
    fn answered_as<R>() -> fn(R) -> Result<Infallible, QueryError> {
        |_| unreachable!("not a query")
    }
    /// In place of [`Calls::take`].
    ///
    /// # Errors
    /// None.
    fn take<T>(_: &Loaded<'_>, _: usize, _: &Meta) -> Result<T, Refusal> {
        unreachable!("not an aggregate parameter")
    }
    /// In place of [`Calls::decode`].
    ///
    /// # Errors
    /// None.
    fn decode<E>(_: &RecordedEvent) -> Result<Decoded<'_, E>, FoldError> {
        unreachable!("not an event")
    }
    /// In place of [`Calls::emit`].
    fn emit<E>(_: E, _: &mut Emitted) {}
    /// In place of [`Calls::add_tags`].
    fn add_tags<T>(_: &T, _: &mut Vec<Tag>) {}
    /// In place of [`Calls::values`].
    #[must_use]
    fn values<T>(_: T) -> Vec<Value> {
        unreachable!("not a column")
    }
    /// In place of [`Calls::value`].
    #[must_use]
    fn value<T>(_: &T) -> Value {
        Value::Null
    }
    /// In place of [`Calls::create`].
    fn create<V, K, M>(_: &mut Rows<'_, V>, _: &RecordedEvent, _: K, _: M) {}
    /// In place of [`Calls::change`].
    fn change<V, K>(_: &mut Rows<'_, V>, _: &RecordedEvent, _: K, _: impl FnOnce(&mut V)) {}
    /// In place of [`Calls::make_or_change`].
    fn make_or_change<V, K, M>(_: &mut Rows<'_, V>, _: &RecordedEvent, _: K, _: M) {}
    /// In place of [`Calls::change_or_end`].
    fn change_or_end<V, K, M>(_: &mut Rows<'_, V>, _: &RecordedEvent, _: K, _: M) {}
    /// In place of [`Calls::change_by`].
    fn change_by<V, I, K>(_: &mut Rows<'_, V>, _: &RecordedEvent, _: I, _: K, _: impl FnMut(&mut V)) {}
    /// In place of [`Calls::change_or_end_by`].
    fn change_or_end_by<V, I, K, M>(_: &mut Rows<'_, V>, _: &RecordedEvent, _: I, _: K, _: M) {}
    /// In place of [`Calls::look_up`].
    #[must_use]
    fn look_up<'a, K, V>(_: &'a LookUps<'_>, _: K) -> Option<&'a V> {
        None
    }
    /// No event's name.
    const NAME: &'static str = "";
    /// No event's version.
    const VERSION: u32 = 0;
    /// No command's fields.
    const FIELDS: Option<&'static [&'static str]> = None;
    /// No view's key.
    const KEY: u64 = NO_FIELD;
    /// What no rule refuses.
    const TAGS: usize = 1;
    /// No command's entry.
    const COMMAND: CommandEntry = CommandEntry {
        name: "",
        wire: |_, _, _| unreachable!("not a command"),
        typed: |_, _, _| unreachable!("not a command"),
        type_id: TypeId::of::<()>,
    };
    /// No query's entry.
    const QUERY: QueryEntry = QueryEntry {
        name: "",
        wire: |_, _, _| unreachable!("not a query"),
        typed: |_, _, _| unreachable!("not a query"),
        type_id: TypeId::of::<()>,
    };
}

impl<M> Fallback for Calls<M> {}

/// A command's name, and its handler by JSON and by type.
#[derive(Clone, Copy)]
pub struct CommandEntry {
    name: &'static str,
    wire: WireCommand,
    typed: TypedCommand,
    type_id: fn() -> TypeId,
}

/// A query's name, and its handler by JSON and by type.
#[derive(Clone, Copy)]
pub struct QueryEntry {
    name: &'static str,
    wire: WireAnswer,
    typed: TypedAnswer,
    type_id: fn() -> TypeId,
}

impl<C: Handled<H>, H: 'static> Calls<(C, H)> {
    /// The entry of command `C`, handled by the crate of marker `H`.
    pub const COMMAND: CommandEntry = CommandEntry {
        name: C::NAME,
        wire: wire::command::<C, H>,
        typed: wire::typed_command::<C, H>,
        type_id: TypeId::of::<C>,
    };
}

impl<Q: Answered<H, Returns: Serialize>, H: 'static> Calls<(Q, H)> {
    /// The entry of query `Q`, handled by the crate of marker `H`. An answer without `Serialize` is refused by the query's derive.
    pub const QUERY: QueryEntry = QueryEntry {
        name: Q::NAME,
        wire: wire::query::<Q, H>,
        typed: wire::typed_query::<Q, H>,
        type_id: TypeId::of::<Q>,
    };
}

impl Registration {
    /// Registers a command's handler.
    #[must_use]
    #[track_caller]
    pub const fn command_handler(
        module: &'static str,
        entry: CommandEntry,
        function: &'static str,
        workflow: bool,
        parameters: &'static [ParameterInfo],
        emits: &'static EventList,
    ) -> Self {
        let CommandEntry { name: command, wire, typed, type_id } = entry;
        let info = CommandHandlerInfo { command, function, workflow, parameters, emits, wire, typed, type_id };
        let item = Item::CommandHandler(info);
        Self { module, location: Location::caller(), item }
    }

    /// Registers a query's handler.
    #[must_use]
    #[track_caller]
    pub const fn query_handler(
        module: &'static str,
        entry: QueryEntry,
        function: &'static str,
        parameters: &'static [ParameterInfo],
    ) -> Self {
        let QueryEntry { name: query, wire, typed, type_id } = entry;
        let item = Item::QueryHandler(QueryHandlerInfo { query, function, parameters, wire, typed, type_id });
        Self { module, location: Location::caller(), item }
    }
}
