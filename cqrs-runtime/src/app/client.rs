//! An app as a client of itself.

use std::any::{Any, TypeId, type_name};
use std::sync::Arc;
use std::time::Instant;

use serde::de::DeserializeOwned;

use super::App;
use crate::bus::services::Asked;
use crate::model::client::Client;
use crate::model::consistency::{After, DEADLINE};
use crate::model::error::{CommandError, QueryError};
use crate::model::message::{Answering, Command, Handling, Query};
use crate::model::rejection::Rejecting;
use crate::model::remote_error::RemoteError;
use cqrs_core::meta::Meta;
use cqrs_core::store_error::BoxFuture;

impl Client for App {
    fn send_command<C>(&self, command: C, meta: Meta) -> BoxFuture<'_, Handling<C>>
    where
        C: Command<Error: Rejecting>,
    {
        let handler = self.services.handlers.commands.get(C::NAME).filter(|handler| is::<C>(handler.type_id));
        let Some(handler) = handler else { return refused(CommandError::Remote(Box::new(not_served::<C>()))) };
        let handling = (handler.typed)(Arc::clone(&self.services), meta, Box::new(command));
        Box::pin(async move { reply(handling.await) })
    }

    fn send_query<Q>(&self, query: Q, meta: Meta) -> BoxFuture<'_, Answering<Q>>
    where
        Q: Query<Returns: DeserializeOwned>,
    {
        let handler = self.services.handlers.queries.get(Q::NAME).filter(|handler| is::<Q>(handler.type_id));
        let Some(handler) = handler else { return refused(QueryError::Remote(Box::new(not_served::<Q>()))) };
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        let within = meta.deadline.map_or(DEADLINE, left);
        let after = After { position: self.services.head.get(), within, or_stale: false };
        let asked = Asked { meta: Some(meta), after: Some(after) };
        let answering = (handler.typed)(Arc::clone(&self.services), asked, Box::new(query));
        Box::pin(async move { reply(answering.await) })
    }
}

fn refused<T: Send + 'static, E: Send + 'static>(error: E) -> BoxFuture<'static, Result<T, E>> {
    Box::pin(std::future::ready(Err(error)))
}

fn is<M: 'static>(type_id: fn() -> TypeId) -> bool {
    type_id() == TypeId::of::<M>()
}

fn reply<R: 'static>(reply: Box<dyn Any + Send>) -> R {
    *reply.downcast().unwrap_or_else(|_| unreachable!("a handler's reply is that of its message"))
}

fn not_served<M>() -> RemoteError {
    let name = type_name::<M>();
    let message = format!(
        "no handler for `{name}` in this app; link the crate that has it, or list its module in `only_modules`"
    );
    RemoteError::new("Unknown", message)
}
