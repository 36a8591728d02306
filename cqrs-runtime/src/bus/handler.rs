//! Handlers: which function answers which message, known to the compiler.

use crate::bus::command_context::CommandContext;
use crate::bus::query_context::QueryContext;
use crate::model::message::{Answering, Command, Handling, Query};

/// The marker of handlers in the same crate as their message. `foreign` handlers have markers of their own.
pub type Here = WriteCommandForeignOrQueryForeignForAMessageOfAnotherCrate;

/// [`Here`], under the name that `rustc` writes into E0117, if `#[command]` or `#[query]` is on the handler of another
/// crate's message. Such a handler needs `#[command(foreign)]` or `#[query(foreign)]`.
#[derive(Debug)]
pub struct WriteCommandForeignOrQueryForeignForAMessageOfAnotherCrate;

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
