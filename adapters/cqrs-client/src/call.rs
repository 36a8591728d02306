//! A message as an HTTP request.

use cqrs_runtime::error::RemoteError;
use cqrs_runtime::message::Message;
use cqrs_runtime::{Command, CommandId, Meta, Position, Query};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH};

use crate::path::Fields;

const AFTER: HeaderName = HeaderName::from_static("cqrs-after");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Which message is meant: in another version of the server the path may lead to another one.
const MESSAGE: HeaderName = HeaderName::from_static("cqrs-message");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A message as an HTTP request, to be sent once or several times.
pub(crate) struct Call {
    /// To the message's own path.
    pub(crate) own: Option<Request>,
    /// To that of its name, which every server has.
    pub(crate) by_name: Request,
    pub(crate) headers: HeaderMap,
    /// The command's id. Empty for a query.
    pub(crate) key: String,
}

/// Where a message is sent.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: String,
}

impl Call {
    /// A command. It has an id in any case, so that it can be sent again.
    pub(crate) fn command<C: Command>(command: &C, meta: &Meta, fields: &Fields) -> Result<Self, RemoteError> {
        let body = (C::JSON.write)(command).map_err(|error| cannot_be_sent(C::NAME, &error))?;
        let id = meta.command_id.clone().unwrap_or_else(CommandId::random);
        let mut call = Self::new::<C>(C::NAME, format!("/commands/{}", C::NAME), body, meta, fields);
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
    pub(crate) fn query<Q: Query>(
        query: &Q,
        meta: &Meta,
        seen: Position,
        fields: &Fields,
    ) -> Result<Self, RemoteError> {
        let body = (Q::JSON.write)(query).map_err(|error| cannot_be_sent(Q::NAME, &error))?;
        let mut call = Self::new::<Q>(Q::NAME, format!("/queries/{}", Q::NAME), body, meta, fields);
        call.headers.insert(AFTER, seen.get().into());
        Ok(call)
    }

    fn new<M: Message>(name: &'static str, path: String, body: String, meta: &Meta, fields: &Fields) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.extend(HeaderValue::from_str(name).map(|name| (MESSAGE, name)));
        if let Some(trace) = &meta.trace {
            headers.extend(HeaderValue::from_str(&trace.to_string()).map(|parent| (TRACEPARENT, parent)));
            let state = trace.tracestate().and_then(|state| HeaderValue::from_str(state).ok());
            headers.extend(state.map(|state| (TRACESTATE, state)));
        }
        let own = fields.request::<M>(&body).map(|(method, path, body)| Request { method, path, body });
        Self { own, by_name: Request { method: Method::POST, path, body }, headers, key: String::new() }
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
