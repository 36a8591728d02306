//! A message as an HTTP request.

use cqrs_runtime::error::RemoteError;
use cqrs_runtime::{Command, CommandId, Meta, Position, Query};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH};

const AFTER: HeaderName = HeaderName::from_static("cqrs-after");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A message as an HTTP request, to be sent once or several times.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path and the query string.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// The command's id. Empty for a query.
    pub(crate) key: String,
}

impl Call {
    /// A command. It has an id in any case, so that it can be sent again.
    pub(crate) fn command<C: Command>(command: &C, meta: &Meta) -> Result<Self, RemoteError> {
        let body = (C::JSON.write)(command).map_err(|error| cannot_be_sent(C::NAME, &error))?;
        let id = meta.command_id.clone().unwrap_or_else(CommandId::random);
        let mut call = Self::new(format!("/commands/{}", C::NAME), body, meta);
        // A text that is JSON's own is the same text between the server's quotes.
        let key = HeaderValue::from_str(id.as_str()).ok().filter(|_| is_a_key(id.as_str()));
        let key = key.ok_or_else(|| {
            let reason = format!(
                "the command id `{id}` is not 1 to 255 visible ASCII characters without quotes; choose another"
            );
            RemoteError::new("InvalidHeader", reason)
        })?;
        call.headers.insert(IDEMPOTENCY_KEY, key);
        id.as_str().clone_into(&mut call.key);
        if let Some(position) = meta.expected {
            call.headers.insert(IF_MATCH, quoted(position));
        }
        Ok(call)
    }

    /// A query, after what the session has seen.
    pub(crate) fn query<Q: Query>(query: &Q, meta: &Meta, seen: Position) -> Result<Self, RemoteError> {
        let body = (Q::JSON.write)(query).map_err(|error| cannot_be_sent(Q::NAME, &error))?;
        let mut call = Self::new(format!("/queries/{}", Q::NAME), body, meta);
        call.headers.insert(AFTER, seen.get().into());
        Ok(call)
    }

    fn new(path: String, body: String, meta: &Meta) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(trace) = &meta.trace {
            headers.extend(HeaderValue::from_str(&trace.to_string()).map(|parent| (TRACEPARENT, parent)));
            let state = trace.tracestate().and_then(|state| HeaderValue::from_str(state).ok());
            headers.extend(state.map(|state| (TRACESTATE, state)));
        }
        Self { method: Method::POST, path, headers, body, key: String::new() }
    }
}

fn is_a_key(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' || byte == b' ')
        && text.trim() == text
}

fn quoted(position: Position) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{position}\"")).unwrap_or_else(|_| unreachable!("digits between quotes"))
}

fn cannot_be_sent(name: &str, error: &dyn std::fmt::Display) -> RemoteError {
    RemoteError::new("Malformed", format!("`{name}` cannot be sent: {error}"))
}
