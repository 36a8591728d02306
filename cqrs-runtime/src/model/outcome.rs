//! Handlers: which function answers which message, known to the compiler.

use crate::bus::command::CommandBus;
use crate::bus::command_context::CommandContext;
use crate::bus::query_context::QueryContext;
use crate::core::debug::opaque_debug;
use crate::core::event::{Emitted, Events};
use crate::core::id::CommandReturns;
use crate::core::log::BoxFuture;
use crate::expansion::emits::EventList;
use crate::model::error::{CommandError, QueryError};
use crate::model::message::{Command, DomainError, Query};
use crate::model::receipt::Receipt;
use crate::model::workflow_error::WorkflowError;

/// The marker of handlers that live in the same crate as their message. `foreign` handlers have markers of their own.
pub type Here = WriteCommandForeignOrQueryForeignForAMessageOfAnotherCrate;

/// [`Here`], under the name that `rustc` writes into E0117, where `#[command]` or `#[query]` stands on the handler of another
/// crate's message: that wants `#[command(foreign)]` or `#[query(foreign)]`.
#[derive(Debug)]
pub struct WriteCommandForeignOrQueryForeignForAMessageOfAnotherCrate;

/// What executing a command comes to.
pub type Handling<C> = Result<Receipt<<C as Command>::Returns>, CommandError<<C as Command>::Error>>;

/// What asking a query comes to.
pub type Answering<Q> = Result<<Q as Query>::Returns, QueryError>;

/// A command that has a handler. Made by `#[command]`.
///
/// `H` tells one crate's handlers from another's; the compiler infers it.
#[diagnostic::on_unimplemented(
    message = "[CQRS207] no `#[command]` handler for `{Self}`",
    label = "nothing handles this",
    note = "a command that nothing handles could only fail in production",
    note = "write `#[command] fn ..(cmd: {Self}, ..)`, or link the crate that has it; what is no command yet needs `#[derive(Command)]`",
    note = "[CQRS307] a query goes to the query bus: `app.queries().ask(..)`; an event is not sent: send the command whose handler emits it",
    note = "see: cqrs_runtime::rules#cqrs207"
)]
pub trait Handled<H = Here>: Command {
    /// Runs the handler.
    fn handle(self, context: CommandContext) -> impl Future<Output = Handling<Self>> + Send;
}

/// A command that can be executed, with all that can come of it, `R`: each that has a handler.
///
/// One trait of both, so that what is no command is one error.
#[diagnostic::on_unimplemented(
    message = "[CQRS207] no `#[command]` handler for `{Self}`",
    label = "nothing handles this",
    note = "a command that nothing handles could only fail in production",
    note = "write `#[command] fn ..(cmd: {Self}, ..)`, or link the crate that has it; what is no command yet needs `#[derive(Command)]`",
    note = "[CQRS307] a query goes to the query bus: `app.queries().ask(..)`; an event is not sent: send the command whose handler emits it",
    note = "see: cqrs_runtime::rules#cqrs207"
)]
pub trait Executed<H, R> {
    #[doc(hidden)]
    fn executed(self, bus: &CommandBus) -> BoxFuture<'static, R>;
}

#[diagnostic::do_not_recommend]
impl<C: Handled<H>, H: 'static> Executed<H, Handling<C>> for C {
    fn executed(self, bus: &CommandBus) -> BoxFuture<'static, Handling<C>> {
        bus.execute_handled(self)
    }
}

/// A query that has a handler. Made by `#[query]`.
///
/// `H` tells one crate's handlers from another's; the compiler infers it.
#[diagnostic::on_unimplemented(
    message = "[CQRS306] no `#[query]` handler for `{Self}`",
    label = "nothing answers this",
    note = "a query that nothing answers could only fail in production",
    note = "write `#[query] async fn ..(q: {Self}, ..)`, or link the crate that has it; what is no query yet needs `#[derive(Query)]`",
    note = "[CQRS307] a command goes to the command bus: `app.commands().execute(..)`",
    note = "see: cqrs_runtime::rules#cqrs306"
)]
pub trait Answered<H = Here>: Query {
    /// Runs the handler.
    fn answer(self, context: QueryContext) -> impl Future<Output = Answering<Self>> + Send;
}

/// What a command handler's return type must be: a `Result`.
#[diagnostic::on_unimplemented(
    message = "[CQRS202] a command handler cannot return `{Self}`",
    label = "not a `Result`",
    note = "a handler either succeeds or says why not",
    note = "return `Result<events, the command's error>`",
    note = "see: cqrs_runtime::rules#cqrs202"
)]
pub trait HandlerResult {
    /// What success holds.
    type Success;
    /// What failure holds.
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

/// What a query handler's return type must be: a `Result`.
#[diagnostic::on_unimplemented(
    message = "[CQRS304] a query handler cannot return `{Self}`",
    label = "not a `Result`",
    note = "a handler either answers or says why not",
    note = "return `Result<the query's returns, an error>`, `QueryError` for one",
    note = "see: cqrs_runtime::rules#cqrs304"
)]
pub trait QueryResult {
    /// What success holds.
    type Success;
    /// What failure holds.
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

/// What a query handler may fail with: any error that can be carried.
#[diagnostic::on_unimplemented(
    message = "[CQRS304] a query handler cannot fail with `{Self}`",
    label = "not `std::error::Error + Send + Sync + 'static`",
    note = "callers, logs and HTTP answers carry the error",
    note = "return `Result<.., QueryError>`, or implement `std::error::Error` for it",
    note = "see: cqrs_runtime::rules#cqrs304"
)]
pub trait AnswerError {
    /// As what the query bus returns: a [`QueryError`] as it is, another one wrapped.
    fn into_query_error(self) -> QueryError;
}

#[diagnostic::do_not_recommend]
impl<E: std::error::Error + Send + Sync + 'static> AnswerError for E {
    fn into_query_error(self) -> QueryError {
        let error: Box<dyn std::error::Error + Send + Sync> = Box::new(self);
        error.downcast::<QueryError>().map_or_else(QueryError::Failed, |error| *error)
    }
}

/// Events, and what the command returns beside them: what a handler of a command with `returns` makes.
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

/// What a command handler may succeed with: [`Events`], or a [`Decision`].
#[diagnostic::on_unimplemented(
    message = "[CQRS202] a command handler cannot return `{Self}`",
    label = "neither an event nor a set of events",
    note = "a command does not return data: its handler states events, and a query reads what they made of the views",
    note = "return an event (`#[derive(Event)]`), a tuple, array, `Vec` or `Option` of them, a `#[derive(Events)]` enum, or, where the command declares `returns`, `emit(events).returning(id)`",
    note = "see: cqrs_runtime::rules#cqrs202"
)]
pub trait Outcome: Send {
    /// What it returns beside the events.
    type Returned: CommandReturns;
    /// Takes it apart.
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
/// One trait of both, so that what is no outcome is one error, whatever the command declares.
#[diagnostic::on_unimplemented(
    message = "[CQRS202] a command handler cannot return `{Self}`, where its command declares `returns = {Declared}`",
    label = "not events and what the command declares",
    note = "a command does not return data: its handler states events, and a query reads what they made of the views",
    note = "return an event (`#[derive(Event)]`), a tuple, array, `Vec` or `Option` of them, or a `#[derive(Events)]` enum",
    note = "[CQRS211] where the command declares an id, return it with the events: `emit(events).returning(id)`, a `Decision<events, id>`; where it declares `()`, return events alone, or change `#[cqrs(returns = ..)]` on the command",
    note = "see: cqrs_runtime::rules#cqrs202"
)]
pub trait ReturnsDeclared<Declared> {
    /// Takes it apart.
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
    /// What the caller of `command` gets.
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

/// What a command handler has decided.
pub struct Emission<R> {
    pub(crate) events: Emitted,
    pub(crate) returned: R,
}

opaque_debug!([R] Emission<R> { events });

/// Takes a command handler's result apart, and checks it against what command `C` declares.
pub fn emitted<C, T, E>(result: Result<T, E>) -> Result<Emission<C::Returns>, CommandError<C::Error>>
where
    C: Command,
    T: ReturnsDeclared<C::Returns>,
    E: ErrorDeclared<C::Error>,
{
    match result {
        Ok(outcome) => {
            let mut events = Emitted::default();
            let returned = outcome.into_declared(&mut events);
            Ok(Emission { events, returned })
        }
        Err(error) => Err(error.into_command_error(C::NAME)),
    }
}

/// Takes a query handler's result, and checks it against what query `Q` declares.
pub fn answered<Q, T, E>(result: Result<T, E>) -> Answering<Q>
where
    Q: Query,
    T: AnswerDeclared<Q::Returns>,
    E: AnswerError,
{
    match result {
        Ok(answer) => Ok(AnswerDeclared::same(answer)),
        Err(error) => Err(error.into_query_error()),
    }
}
