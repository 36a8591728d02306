//! Answers as they arrive.

use std::time::Duration;

use cqrs_core::json::KeepError;
use cqrs_runtime::error::RemoteError;
use cqrs_runtime::message::Handling;
use cqrs_runtime::{Command, CommandError, Position, QueryError, Receipt};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The members that every problem has: they are not the domain's.
const OF_EVERY_PROBLEM: [&str; 7] = ["code", "detail", "instance", "kind", "status", "title", "type"];

/// The answer to a message that was accepted.
pub(crate) struct Answer {
    /// Of a command.
    pub(crate) position: Option<Position>,
    events: u32,
    replayed: bool,
    body: String,
}

impl Answer {
    pub(crate) fn new(headers: &HeaderMap, body: String) -> Self {
        let position = text(headers, "cqrs-position").and_then(|text| text.parse().ok()).map(Position::new);
        let events = text(headers, "cqrs-events").and_then(|text| text.parse().ok()).unwrap_or_default();
        let replayed = text(headers, "idempotency-replayed") == Some("true");
        Self { position, events, replayed, body }
    }

    /// The receipt of a command. If the id was not the caller's own, he does not know of an earlier attempt.
    pub(crate) fn receipt<C: Command>(&self, callers_id: bool) -> Handling<C> {
        let unreadable = |reason: String| {
            let message = format!("`{}` was accepted, but its answer cannot be read: {reason}", C::NAME);
            CommandError::Remote(Box::new(RemoteError::new("Unreadable", message)))
        };
        let position = self.position.ok_or_else(|| unreadable("it has no header `Cqrs-Position`".into()))?;
        let returned = value(&self.body).map_err(|error| unreadable(error.to_string()))?;
        Ok(Receipt::new(position, self.events, returned, self.replayed && callers_id))
    }

    /// The answer of a query.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, QueryError> {
        value(&self.body).map_err(|error| {
            let message = format!("the answer cannot be read: {error}; do both programs have the same types?");
            QueryError::Remote(Box::new(RemoteError::new("Unreadable", message)))
        })
    }
}

/// The value of a body, of which an empty one is `null`.
fn value<T: DeserializeOwned>(body: &str) -> Result<T, KeepError> {
    let body = if body.is_empty() { "null" } else { body };
    let mut reader = serde_json::Deserializer::from_str(body);
    T::deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| KeepError { path: ".".into(), reason: error.to_string() })
}

/// The answer to a message that was not accepted: a problem of `cqrs-axum`, or anything else.
pub(crate) struct Refusal {
    status: StatusCode,
    /// The problem's kind. `NoProblem` if it is none.
    pub(crate) kind: String,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) members: Map<String, Value>,
    /// When to come back, as the server asks.
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap, body: &str) -> Self {
        let retry_after =
            text(headers, RETRY_AFTER.as_str()).and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let mut members: Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
        let take = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let (kind, code, detail) = (take("kind"), take("code"), take("detail"));
        let (kind, code, message) = match (kind, detail) {
            (Some(kind), Some(detail)) => (kind.clone(), code.unwrap_or(kind), detail),
            _ => (
                "NoProblem".into(),
                "NoProblem".into(),
                format!("the answer is {status}, without a problem that says why"),
            ),
        };
        if kind != "NoProblem" {
            members.retain(|name, _| !OF_EVERY_PROBLEM.contains(&&**name));
        }
        Self { status, kind, code, message, members, retry_after }
    }

    /// Whether the same message may be answered otherwise in a moment. A refusal of the domain stays one.
    pub(crate) fn is_temporary(&self) -> bool {
        match self.status {
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                self.kind != "Rejected"
            }
            StatusCode::CONFLICT => self.kind == "IdempotencyKeyInUse",
            StatusCode::GATEWAY_TIMEOUT => self.kind == "NoProblem",
            _ => false,
        }
    }

    /// Whether the server has no such path, or another message there.
    pub(crate) fn does_not_know_the_path(&self) -> bool {
        match self.status {
            StatusCode::NOT_FOUND => ["NoProblem", "OtherMessage"].contains(&&*self.kind),
            StatusCode::METHOD_NOT_ALLOWED => true,
            _ => false,
        }
    }

    /// Whether the command may have taken effect all the same.
    pub(crate) fn outcome_is_unknown(&self) -> bool {
        let is_of_a_proxy = self.kind == "NoProblem" && self.status.is_server_error();
        is_of_a_proxy
            || self.kind == "IdempotencyKeyInUse"
            || self.members.get("outcome").is_some_and(|outcome| outcome == "unknown")
    }

    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    pub(crate) fn position(&self, name: &str) -> Option<Position> {
        self.members.get(name)?.as_u64().map(Position::new)
    }

    pub(crate) fn remote(&self) -> RemoteError {
        RemoteError::new(&self.kind, &*self.message).with_code(self.code.clone(), self.members.clone())
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
