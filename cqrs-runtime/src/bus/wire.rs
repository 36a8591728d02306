//! The wire: messages by name and JSON, for transports without types.

use std::any::Any;
use std::sync::Arc;

use serde::Serialize;

pub use super::wire_error::{Details, MalformedMessage, WireError};
use crate::bus::command::CommandBus;
use crate::bus::handler::{Answered, Handled};
use crate::bus::query::QueryBus;
use crate::bus::services::{Asked, Services};
use crate::model::error::QueryError;
pub use crate::model::error::{Named, UnknownName};
use crate::model::receipt::Receipt;
use cqrs_core::json::Codec;
use cqrs_core::meta::Meta;
use cqrs_core::store_error::BoxFuture;

pub(crate) fn command<C: Handled<H>, H: 'static>(
    services: Arc<Services>,
    meta: Meta,
    data: Box<str>,
) -> BoxFuture<'static, Result<Receipt<serde_json::Value>, WireError>> {
    let bus = CommandBus::new(services).with_meta(meta);
    Box::pin(async move {
        let command: C = decode(&C::JSON, C::NAME, &data)?;
        let receipt = bus.execute_handled::<C, H>(command).await?;
        let returned = serde_json::to_value(&receipt.returned).unwrap_or_default();
        Ok(Receipt { position: receipt.position, events: receipt.events, returned, repeated: receipt.repeated })
    })
}

pub(crate) fn query<Q: Answered<H, Returns: Serialize>, H: 'static>(
    services: Arc<Services>,
    asked: Asked,
    data: Box<str>,
) -> BoxFuture<'static, Result<serde_json::Value, WireError>> {
    let bus = QueryBus::asked(services, asked);
    Box::pin(async move {
        let query: Q = decode(&Q::JSON, Q::NAME, &data)?;
        let answer = bus.ask_checked::<Q, H>(query).await?;
        Ok(serde_json::to_value(answer).map_err(QueryError::failed)?)
    })
}

/// Runs a command's handler for a caller that knows the command's type alone.
pub(crate) fn typed_command<C: Handled<H>, H: 'static>(
    services: Arc<Services>,
    meta: Meta,
    command: Box<dyn Any + Send>,
) -> BoxFuture<'static, Box<dyn Any + Send>> {
    let command = command.downcast::<C>().unwrap_or_else(|_| unreachable!("the entry's type is compared before"));
    let handling = CommandBus::new(services).with_meta(meta).execute_handled::<C, H>(*command);
    Box::pin(async move { Box::new(handling.await) as Box<dyn Any + Send> })
}

/// Runs a query's handler for a caller that knows the query's type alone.
pub(crate) fn typed_query<Q: Answered<H>, H: 'static>(
    services: Arc<Services>,
    asked: Asked,
    query: Box<dyn Any + Send>,
) -> BoxFuture<'static, Box<dyn Any + Send>> {
    let query = query.downcast::<Q>().unwrap_or_else(|_| unreachable!("the entry's type is compared before"));
    let answering = QueryBus::asked(services, asked).ask_checked::<Q, H>(*query);
    Box::pin(async move { Box::new(answering.await) as Box<dyn Any + Send> })
}

fn decode<T>(json: &Codec<T>, name: &'static str, data: &str) -> Result<T, WireError> {
    let read = json.read_with_path;
    let malformed = |path, reason| WireError::Malformed(MalformedMessage { name, reason, path });
    let mut json = serde_json::Deserializer::from_str(data);
    let message = read(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // `.` is the whole message, and `?` is a position that was not reached, for example because the text
        // ends early.
        if path == "." || path == "?" {
            malformed(String::new(), error.into_inner().to_string())
        } else {
            let reason = format!("{path}: {}", error.into_inner());
            malformed(path, reason)
        }
    })?;
    json.end().map_err(|error| malformed(String::new(), error.to_string()))?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_text_and_deep_nesting_are_refused_with_their_place() {
        let error = decode::<u8>(&Codec::SERDE, "N", "1 2").unwrap_err().to_string();
        assert!(error.contains("trailing characters at line 1 column 3"), "{error}");
        let deep = "[".repeat(100_000);
        let error = decode::<serde_json::Value>(&Codec::SERDE, "N", &deep).unwrap_err().to_string();
        assert!(error.contains("recursion limit"), "{error}");
    }
}
