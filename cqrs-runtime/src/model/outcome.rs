//! What handlers return: events, answers, and the errors of both.

use crate::model::error::{CommandError, DomainError, QueryError};
use crate::model::workflow_error::WorkflowError;
use cqrs_core::debug::opaque_debug;
use cqrs_core::event::{Emitted, Events};
use cqrs_core::event_list::EventList;
use cqrs_core::id::CommandReturns;

/// The required return type of a command handler: a `Result`.
#[diagnostic::on_unimplemented(
    message = "[CQRS202] a command handler cannot return `{Self}`",
    label = "not a `Result`",
    note = "a handler either succeeds or says why not",
    note = "return `Result<events, the command's error>`",
    note = "see: cqrs_runtime::rules#cqrs202"
)]
pub trait HandlerResult {
    /// The type of a success.
    type Success;
    /// The type of a failure.
    type Failure;
    /// The result itself.
    fn into_result(self) -> Result<Self::Success, Self::Failure>;
}

impl<T, E> HandlerResult for Result<T, E> {
    type Success = T;
    type Failure = E;
    fn into_result(self) -> Self {
        self
    }
}

/// The required return type of a query handler: a `Result`.
#[diagnostic::on_unimplemented(
    message = "[CQRS304] a query handler cannot return `{Self}`",
    label = "not a `Result`",
    note = "a handler either answers or says why not",
    note = "return `Result<the query's returns, an error>`, `QueryError` for one",
    note = "see: cqrs_runtime::rules#cqrs304"
)]
pub trait QueryResult {
    /// The type of a success.
    type Success;
    /// The type of a failure.
    type Failure;
    /// The result itself.
    fn into_result(self) -> Result<Self::Success, Self::Failure>;
}

#[diagnostic::do_not_recommend]
impl<T, E> QueryResult for Result<T, E> {
    type Success = T;
    type Failure = E;
    fn into_result(self) -> Self {
        self
    }
}

/// An error that a query handler may return: any error that is `Send + Sync + 'static`.
#[diagnostic::on_unimplemented(
    message = "[CQRS304] a query handler cannot fail with `{Self}`",
    label = "not `std::error::Error + Send + Sync + 'static`",
    note = "callers, logs and HTTP answers carry the error",
    note = "return `Result<.., QueryError>`, or implement `std::error::Error` for it",
    note = "see: cqrs_runtime::rules#cqrs304"
)]
pub trait AnswerError {
    /// Converts it for the query bus: a [`QueryError`] is kept, any other error is wrapped.
    fn into_query_error(self) -> QueryError;
}

#[diagnostic::do_not_recommend]
impl<E: std::error::Error + Send + Sync + 'static> AnswerError for E {
    fn into_query_error(self) -> QueryError {
        let error: Box<dyn std::error::Error + Send + Sync> = Box::new(self);
        error.downcast::<QueryError>().map_or_else(QueryError::Failed, |error| *error)
    }
}

/// Events and a returned value: the result of a handler whose command declares `returns`.
///
/// ```
/// # use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderCreated { #[tag] order: OrderId }
/// # #[derive(Command, Serialize, Deserialize)]
/// # #[cqrs(returns = OrderId)]
/// # pub struct CreateOrder { order: OrderId }
/// #[command]
/// fn create(cmd: CreateOrder) -> Result<Decision<OrderCreated, OrderId>, std::convert::Infallible> {
///     Ok(emit(OrderCreated { order: cmd.order }).returning(cmd.order))
/// }
/// ```
#[derive(Debug)]
pub struct Decision<E, R = ()> {
    events: E,
    returned: R,
}

/// Starts a [`Decision`] with its events.
pub fn emit<E: Events>(events: E) -> Decision<E> {
    Decision { events, returned: () }
}

impl<E> Decision<E> {
    /// Adds what the command returns.
    pub fn returning<R: CommandReturns>(self, returned: R) -> Decision<E, R> {
        Decision { events: self.events, returned }
    }
}

/// The success type of a command handler: [`Events`], or a [`Decision`].
#[diagnostic::on_unimplemented(
    message = "[CQRS202] a command handler cannot return `{Self}`",
    label = "neither an event nor a set of events",
    note = "a command does not return data: its handler states events, and a query reads what they made of the views",
    note = "return an event (`#[derive(Event)]`), a tuple, array, `Vec` or `Option` of them, a `#[derive(Events)]` enum, or, where the command declares `returns`, `emit(events).returning(id)`",
    note = "see: cqrs_runtime::rules#cqrs202"
)]
pub trait Outcome: Send {
    /// The type that is returned in addition to the events.
    type Returned: CommandReturns;
    /// Adds its events to `events`, and returns its returned value.
    fn into_parts(self, events: &mut Emitted) -> Self::Returned;
    /// The events that it may hold.
    const LIST: EventList;
}

#[diagnostic::do_not_recommend]
impl<E: Events> Outcome for E {
    type Returned = ();
    fn into_parts(self, events: &mut Emitted) {
        self.emit(events);
    }
    const LIST: EventList = E::LIST;
}

impl<E: Events, R: CommandReturns> Outcome for Decision<E, R> {
    type Returned = R;
    fn into_parts(self, events: &mut Emitted) -> R {
        self.events.emit(events);
        self.returned
    }
    const LIST: EventList = E::LIST;
}

/// An [`Outcome`] that returns what its command declares, `Declared`: bare events, where that is nothing, or a [`Decision`].
///
/// One trait for both forms, so that a wrong return type is one error, for every declaration.
#[diagnostic::on_unimplemented(
    message = "[CQRS202] a command handler cannot return `{Self}`, where its command declares `returns = {Declared}`",
    label = "not events and what the command declares",
    note = "a command does not return data: its handler states events, and a query reads what they made of the views",
    note = "return an event (`#[derive(Event)]`), a tuple, array, `Vec` or `Option` of them, or a `#[derive(Events)]` enum",
    note = "[CQRS211] where the command declares an id, return it with the events: `emit(events).returning(id)`, a `Decision<events, id>`; where it declares `()`, return events alone, or change `#[cqrs(returns = ..)]` on the command",
    note = "see: cqrs_runtime::rules#cqrs202"
)]
pub trait ReturnsDeclared<Declared> {
    /// Adds its events to `events`, and returns its returned value.
    fn into_declared(self, events: &mut Emitted) -> Declared;
}

#[diagnostic::do_not_recommend]
impl<E: Events> ReturnsDeclared<()> for E {
    fn into_declared(self, events: &mut Emitted) {
        self.into_parts(events);
    }
}

#[diagnostic::do_not_recommend]
impl<E: Events, R: CommandReturns> ReturnsDeclared<R> for Decision<E, R> {
    fn into_declared(self, events: &mut Emitted) -> R {
        self.into_parts(events)
    }
}

/// Two types that must be one: the handler's error, and its command's.
#[diagnostic::on_unimplemented(
    message = "[CQRS202] the handler's error is `{Self}`, and its command declares `error = {Declared}`",
    label = "not the command's error",
    note = "the error that a command declares is what its callers match on",
    note = "return `Result<.., {Declared}>`, or declare `#[cqrs(error = {Self})]` on the command; a workflow that meets errors of \
            databases and services returns `Result<.., WorkflowError>`, and `?` makes it of any error",
    note = "see: cqrs_runtime::rules#cqrs202"
)]
pub trait ErrorDeclared<Declared> {
    /// Converts it to the error that the caller of `command` gets.
    fn into_command_error(self, command: &str) -> CommandError<Declared>;
}

impl<T> ErrorDeclared<T> for T {
    fn into_command_error(self, _: &str) -> CommandError<T> {
        CommandError::Rejected(self)
    }
}

/// Any error that the command declares may be inside.
#[diagnostic::do_not_recommend]
impl<D: DomainError> ErrorDeclared<D> for WorkflowError {
    fn into_command_error(self, command: &str) -> CommandError<D> {
        Self::into_command_error(self, command)
    }
}

/// Two types that must be one: what the handler answers, and what its query declares.
#[diagnostic::on_unimplemented(
    message = "[CQRS304] the handler answers `{Self}`, and the query declares `returns = {Declared}`",
    label = "not what the query declares",
    note = "what a query declares is what its callers compile against",
    note = "return `Result<{Declared}, ..>`, or change `#[cqrs(returns = ..)]`",
    note = "see: cqrs_runtime::rules#cqrs304"
)]
pub trait AnswerDeclared<Declared> {
    /// The same value.
    fn same(self) -> Declared;
}

impl<T> AnswerDeclared<T> for T {
    fn same(self) -> T {
        self
    }
}

/// The decision of a command handler.
pub struct Emission<R> {
    pub(crate) events: Emitted,
    pub(crate) returned: R,
}

opaque_debug!([R] Emission<R> { events });
