//! Commands and queries: the messages that callers send.

use crate::model::consistency::Consistency;
pub use crate::model::error::DomainError;
use crate::model::error::{CommandError, QueryError};
use crate::model::exposure::Exposure;
use crate::model::receipt::Receipt;
use cqrs_core::id::CommandReturns;
use cqrs_core::json::Codec;

/// The result of executing a command.
pub type Handling<C> = Result<Receipt<<C as Command>::Returns>, CommandError<<C as Command>::Error>>;

/// The result of asking a query.
pub type Answering<Q> = Result<<Q as Query>::Returns, QueryError>;

/// A message that can be sent: a command or a query. Implemented by their derives.
#[diagnostic::on_unimplemented(
    message = "[CQRS207] `{Self}` is neither a command nor a query, and cannot be sent",
    label = "no `#[derive(Command)]` and no `#[derive(Query)]`",
    note = "what is sent has an intention: to change something, or to ask; an event is stated by a handler, and is not sent",
    note = "if it changes something, derive `Command` for it; if it asks, `Query`; if it has happened, send the command whose handler states it",
    note = "see: cqrs_runtime::rules#cqrs207"
)]
pub trait Message: Sized + Send + Sync + 'static {
    /// The result of sending it.
    type Reply: 'static;
    /// How far a query's answer may lag. Without meaning for a command.
    type Consistency: Consistency;
    /// Its JSON codec: [`Codec::SERDE`].
    const JSON: Codec<Self>;
    /// How it is reached from outside, and by whom. Default: by its name.
    const EXPOSURE: Exposure = Exposure::NONE;
}

/// An intention to change something. Implemented by `#[derive(Command)]`.
#[diagnostic::on_unimplemented(
    message = "[CQRS201] `{Self}` is not a command",
    label = "no `#[derive(Command)]`",
    note = "`#[command]` handles one command, taken by value as the first parameter",
    note = "if it only asks, make it `#[derive(Query)]` and its handler `#[query]`; if it changes something, derive `Command`",
    note = "see: cqrs_runtime::rules#cqrs201"
)]
pub trait Command: Message<Reply = Handling<Self>> {
    /// The name on the wire and in the log: the type's own, or `#[cqrs(name = "..")]`.
    const NAME: &'static str;
    /// The names of its fields, by which its handler's parameters find their ids.
    const FIELDS: &'static [&'static str];
    /// What an accepted command returns, in addition to its receipt.
    type Returns: CommandReturns;
    /// The domain's error that refuses it.
    type Error: DomainError;
}

/// A question that changes nothing. Implemented by `#[derive(Query)]`.
#[diagnostic::on_unimplemented(
    message = "[CQRS301] `{Self}` is not a query",
    label = "no `#[derive(Query)]`",
    note = "`#[query]` answers one query, taken by value as the first parameter",
    note = "if it changes something, make it `#[derive(Command)]` and its handler `#[command]`; if it only asks, derive `Query`",
    note = "see: cqrs_runtime::rules#cqrs301"
)]
pub trait Query: Message<Reply = Answering<Self>> {
    /// The name on the wire: the type's own, or `#[cqrs(name = "..")]`.
    const NAME: &'static str;
    /// The answer.
    type Returns: Answer;
}

/// What a query may return: anything that can be sent, except `()`.
///
/// It must be `Serialize` too. Its query's derive requires that once, unless it is a view, which must be so by itself: as a supertrait,
/// it would be an error at every use. Generic code that passes an answer to serde needs the bound `Q::Returns: Serialize`.
#[diagnostic::on_unimplemented(
    message = "[CQRS304] a query cannot return `{Self}`",
    label = "not `Send + 'static`",
    note = "answers travel between threads",
    note = "hold what threads may send: `Arc` in place of `Rc`, a value in place of a reference or a pointer",
    note = "see: cqrs_runtime::rules#cqrs304"
)]
pub trait Answer: Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Answer for T {}
