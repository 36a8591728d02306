//! What sends commands and asks queries, by type: an app in this process, or a client of a service.

use serde::de::DeserializeOwned;

use crate::model::message::{Answering, Command, Handling, Query};
use crate::model::rejection::Rejecting;
use cqrs_core::meta::Meta;
use cqrs_core::store_error::BoxFuture;

/// Sends commands and asks queries: an [`App`](crate::App), or a client of a service that runs in another process.
///
/// Code that is written against it works with both, and gets the same results and errors. A caller reads its own writes: a query
/// sees the commands that the same client has sent. An app is asked after all that it has stored.
///
/// ```standalone_crate
/// use cqrs_runtime::client::Client;
/// # use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct DoorId(Uuid);
/// # #[derive(Event, Serialize, Deserialize)] pub struct DoorOpened { #[tag] door: DoorId }
/// # #[derive(Command, Serialize, Deserialize)] pub struct OpenDoor { door: DoorId }
/// # #[command]
/// # fn open(cmd: OpenDoor) -> Result<DoorOpened, std::convert::Infallible> { Ok(DoorOpened { door: cmd.door }) }
///
/// async fn open_a_door(doors: &impl Client) -> Result<DoorId, Box<dyn std::error::Error>> {
///     let door = DoorId::new();
///     doors.execute(OpenDoor { door }).await?;
///     Ok(door)
/// }
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let app = App::builder().log(cqrs_runtime::log::MemoryLog::new()).build().await?;
/// open_a_door(&app).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A domain error travels by its code and fields, so `#[derive(DomainError)]` is required of it. A variant that cannot be read back
/// (it has a cause, or a field that serde cannot read) is a
/// [`CommandError::Remote`](crate::CommandError::Remote) of a client in another process, with its code and text.
///
/// Whether a message has a handler is seen when it is sent: by the compiler only with [`CommandBus`](crate::CommandBus) and
/// [`QueryBus`](crate::QueryBus).
pub trait Client: Sized + Send + Sync {
    /// Sends a command: how a client implements [`execute_with`](Self::execute_with).
    fn send_command<C>(&self, command: C, meta: Meta) -> BoxFuture<'_, Handling<C>>
    where
        C: Command<Error: Rejecting>;

    /// Sends a query: how a client implements [`ask_with`](Self::ask_with).
    fn send_query<Q>(&self, query: Q, meta: Meta) -> BoxFuture<'_, Answering<Q>>
    where
        Q: Query<Returns: DeserializeOwned>;

    /// Executes a command.
    ///
    /// # Errors
    /// See [`CommandError`](crate::CommandError).
    // Boxed futures whose types name only the answer: one that captured the bounds would repeat their error at the `.await`.
    fn execute<C: SentCommand<R>, R: 'static>(&self, command: C) -> BoxFuture<'_, R> {
        command.sent_by(self, Meta::new())
    }

    /// Executes a command, with a [`Meta`] of its own: a command id, an expected position.
    ///
    /// # Errors
    /// See [`CommandError`](crate::CommandError).
    fn execute_with<C: SentCommand<R>, R: 'static>(&self, command: C, meta: Meta) -> BoxFuture<'_, R> {
        command.sent_by(self, meta)
    }

    /// Asks a query.
    ///
    /// # Errors
    /// See [`QueryError`](crate::QueryError).
    fn ask<Q: SentQuery<R>, R: 'static>(&self, query: Q) -> BoxFuture<'_, R> {
        query.sent_by(self, Meta::new())
    }

    /// Asks a query, with a [`Meta`] of its own.
    ///
    /// # Errors
    /// See [`QueryError`](crate::QueryError).
    fn ask_with<Q: SentQuery<R>, R: 'static>(&self, query: Q, meta: Meta) -> BoxFuture<'_, R> {
        query.sent_by(self, meta)
    }
}

/// A command that a [`Client`] can send, with all that can come of it, `R`: each whose domain error can be read back.
#[diagnostic::on_unimplemented(
    message = "[CQRS113] a client cannot send `{Self}`",
    label = "not a command whose domain error derives `DomainError`",
    note = "a domain error travels by its code and its fields, which the derive declares",
    note = "derive `DomainError` for the error that `{Self}` declares; in this process alone, use `app.commands().execute(..)`",
    note = "[CQRS307] a query is asked: `client.ask(..)`",
    note = "see: cqrs_runtime::rules#cqrs113"
)]
pub trait SentCommand<R> {
    #[doc(hidden)]
    fn sent_by<S: Client>(self, client: &S, meta: Meta) -> BoxFuture<'_, R>;
}

#[diagnostic::do_not_recommend]
impl<C: Command<Error: Rejecting>> SentCommand<Handling<C>> for C {
    fn sent_by<S: Client>(self, client: &S, meta: Meta) -> BoxFuture<'_, Handling<C>> {
        client.send_command(self, meta)
    }
}

/// A query that a [`Client`] can send, with all that can come of it, `R`: each whose answer can be read back.
#[diagnostic::on_unimplemented(
    message = "[CQRS113] a client cannot ask `{Self}`",
    label = "not a query whose answer serde can read",
    note = "an answer travels as JSON, and the client reads it back",
    note = "derive `Deserialize` for the answer that `{Self}` declares; in this process alone, use `app.queries().ask(..)`",
    note = "[CQRS307] a command is executed: `client.execute(..)`",
    note = "see: cqrs_runtime::rules#cqrs113"
)]
pub trait SentQuery<R> {
    #[doc(hidden)]
    fn sent_by<S: Client>(self, client: &S, meta: Meta) -> BoxFuture<'_, R>;
}

#[diagnostic::do_not_recommend]
impl<Q: Query<Returns: DeserializeOwned>> SentQuery<Answering<Q>> for Q {
    fn sent_by<S: Client>(self, client: &S, meta: Meta) -> BoxFuture<'_, Answering<Q>> {
        client.send_query(self, meta)
    }
}
