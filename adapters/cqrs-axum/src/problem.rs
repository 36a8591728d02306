//! Errors as problem details: RFC 9457.

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cqrs_runtime::access::Denied;
use cqrs_runtime::error::{DomainError, Rejection};
use cqrs_runtime::wire::{Details, WireError};
use cqrs_runtime::{CommandError, QueryError};
use serde_json::{Map, Value};

/// After how many seconds a client may retry, where the server is busy or a database is away.
const RETRY_AFTER: u32 = 1;

/// An error as an HTTP answer: `application/problem+json`, as RFC 9457 defines it.
///
/// The router makes one of each error. A handler of your own returns it with `?`, from the errors of both buses:
///
/// ```
/// # use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct DoorId(Uuid);
/// # #[derive(Event, Serialize, Deserialize)] pub struct DoorOpened { #[tag] door: DoorId }
/// # #[derive(Command, Serialize, Deserialize)] pub struct OpenDoor { door: DoorId }
/// # #[command]
/// # fn open(cmd: OpenDoor) -> Result<DoorOpened, std::convert::Infallible> { Ok(DoorOpened { door: cmd.door }) }
/// use axum::extract::State;
/// use cqrs_axum::Problem;
///
/// async fn open_a_door(State(app): State<App>) -> Result<String, Problem> {
///     let receipt = app.commands().execute(OpenDoor { door: DoorId::new() }).await?;
///     Ok(format!("opened at position {}", receipt.position()))
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Problem {
    /// The answer's status.
    pub status: StatusCode,
    /// The kind of error, one word that never changes: that of [`WireError::kind`], or one of the router's own.
    pub kind: &'static str,
    /// The domain's code of a refusal: see `#[derive(DomainError)]`. Otherwise the same as `kind`.
    pub code: String,
    /// What this kind of error is, in a few words.
    pub title: &'static str,
    /// What went wrong, and what to do. It never contains texts of panics, databases or other internals.
    pub detail: String,
    /// Names this occurrence: the request's correlation, which the log's events and the spans have too.
    pub instance: Option<Box<str>>,
    /// Further members: the aggregate and its id, the path in the JSON, the fields of a domain error.
    pub members: Box<Map<String, Value>>,
    /// After how many seconds the client may retry.
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem of a kind, with the kind as its code.
    pub fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            code: kind.to_owned(),
            title,
            detail: detail.into(),
            instance: None,
            members: Box::default(),
            retry_after: None,
        }
    }

    /// Adds a member. One with the name of a member that every problem has is not shown.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The `type` of the problem. It is a name, not an address: `urn:cqrs:NotFound`, `urn:cqrs:Rejected:NoLines`.
    #[must_use]
    pub fn type_uri(&self) -> String {
        if self.code == self.kind {
            format!("urn:cqrs:{}", self.kind)
        } else {
            let code = percent_encoding::utf8_percent_encode(&self.code, crate::location::IN_A_SEGMENT);
            format!("urn:cqrs:{}:{code}", self.kind)
        }
    }

    /// The body as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = Map::clone(&self.members);
        body.insert("type".into(), self.type_uri().into());
        body.insert("title".into(), self.title.into());
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("detail".into(), self.detail.clone().into());
        body.insert("kind".into(), self.kind.into());
        body.insert("code".into(), self.code.clone().into());
        if let Some(instance) = &self.instance {
            body.insert("instance".into(), (**instance).into());
        }
        Value::Object(body)
    }

    pub(crate) fn retry(mut self) -> Self {
        self.retry_after = Some(RETRY_AFTER);
        self
    }

    /// The queue of commands is full.
    pub(crate) fn queue_full() -> Self {
        let detail =
            "the command waited for a place in the queue until its deadline, and had no effect; retry it later";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "QueueFull", "too many commands wait", detail).retry()
    }

    /// Too many requests are at work.
    pub(crate) fn busy() -> Self {
        let detail = "the server handles as many requests as it accepts; retry later";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Busy", "too many requests", detail).retry()
    }

    /// The caller may not send the message.
    pub(crate) fn denied(message: &str, denied: Denied) -> Self {
        let (status, kind, title, permission) = match denied {
            Denied::Unauthenticated { permission } => {
                (StatusCode::UNAUTHORIZED, "Unauthenticated", "nobody is logged in", permission)
            }
            Denied::Forbidden { permission } => (StatusCode::FORBIDDEN, "Forbidden", "permission missing", permission),
        };
        let detail = format!("`{message}` is refused: {denied}");
        Self::new(status, kind, title, detail).member("message", message).member("permission", permission)
    }

    pub(crate) fn bad_request(kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, kind, title, detail)
    }

    /// A message that cannot be read.
    pub(crate) fn malformed(message: &str, path: &str, reason: &str) -> Self {
        let detail = format!("`{message}` cannot be read: {reason}");
        Self::bad_request("Malformed", "malformed message", detail).member("message", message).member("path", path)
    }

    /// The path does not have the method.
    pub(crate) fn no_method(method: &Method) -> Self {
        let detail = format!("this path does not take `{method}`; the header `Allow` lists what it takes");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "method not allowed", detail)
    }

    pub(crate) fn panicked() -> Self {
        internal("Panicked")
    }

    pub(crate) fn timed_out(detail: &str) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "TimedOut", "not done in time", detail)
    }

    /// A command that was started, and did not end in time.
    pub(crate) fn still_running() -> Self {
        let detail = "the command was started, and did not end in time; it may still take effect: send it again with the same \
                      `Idempotency-Key`, with which it takes effect once";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "TimedOut", "not done in time", detail).member("outcome", "unknown")
    }

    pub(crate) fn too_large(max: usize) -> Self {
        let detail = format!("the body is longer than the {max} bytes that this server accepts; send less");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TooLarge", "message too large", detail)
    }
}

/// The answer to what only an operator can fix. Its cause is in the server's log.
fn internal(kind: &'static str) -> Problem {
    let detail = "the server could not handle the message; its log says why";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, kind, "internal error", detail)
}

fn unavailable(kind: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, kind, "temporarily unavailable", detail).retry()
}

fn rejected(rejection: Rejection, detail: String) -> Problem {
    let status = rejection.status.and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    if status.is_server_error() {
        return Problem { status, code: rejection.code, ..internal("Rejected") };
    }
    let mut problem = Problem::new(status, "Rejected", "refused by a rule of the domain", detail);
    problem.code = rejection.code;
    problem.members = Box::new(rejection.members);
    problem
}

impl From<WireError> for Problem {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Unknown(unknown) => {
                let problem = Self::new(StatusCode::NOT_FOUND, "Unknown", "unknown name", unknown.to_string());
                problem.member("name", unknown.name)
            }
            WireError::Malformed(malformed) => Self::malformed(malformed.name, &malformed.path, &malformed.reason),
            WireError::TooLarge(_, max) => Self::too_large(max),
            WireError::Command { kind, message, details, .. } => of_command(kind, message, details),
            WireError::Query { kind, message, details } => of_query(kind, message, details),
            _ => internal("Internal"),
        }
    }
}

fn of_command(kind: &'static str, message: String, details: Details) -> Problem {
    match (kind, details) {
        (_, Details::Rejection(rejection)) => rejected(*rejection, message),
        ("NotFound", Details::Entity(entity)) => {
            let problem = Problem::new(StatusCode::NOT_FOUND, kind, "not found", message);
            problem.member("aggregate", entity.aggregate).member("id", entity.id)
        }
        ("AlreadyExists", Details::Entity(entity)) => {
            let problem = Problem::new(StatusCode::CONFLICT, kind, "already exists", message);
            problem.member("aggregate", entity.aggregate).member("id", entity.id)
        }
        (_, Details::Conflict(conflict)) => {
            let problem = Problem::new(StatusCode::CONFLICT, kind, "conflict", message);
            problem.member("loaded_at", conflict.loaded_at.get())
        }
        (_, Details::IdReused(reused)) => {
            let detail =
                "the idempotency key was already used for another command, or for other content; use a new key";
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, kind, "idempotency key used before", detail);
            let problem = problem.member("first", reused.first).member("position", reused.position.get());
            problem.member("recorded_at", reused.recorded_at.to_string())
        }
        ("TimedOut", _) => Problem::timed_out(&message),
        ("ShutDown", _) => unavailable(kind, "the server is shutting down; retry, and another one may answer"),
        ("Unavailable", Details::OutcomeUnknown) => {
            let detail = "the command may have taken effect; retry it with the same `Idempotency-Key`, with which it takes \
                          effect once";
            unavailable(kind, detail).member("outcome", "unknown")
        }
        ("Unavailable", _) => {
            unavailable(kind, "the command could not be stored, and had no effect; retry it").member("outcome", "none")
        }
        ("Middleware", _) => refused_by_a_layer(),
        _ => internal(kind),
    }
}

fn of_query(kind: &'static str, message: String, details: Details) -> Problem {
    match (kind, details) {
        (_, Details::Rejection(rejection)) => rejected(*rejection, message),
        (_, Details::NotYet(not_yet)) => {
            let problem = Problem::new(StatusCode::GATEWAY_TIMEOUT, kind, "not done in time", message).retry();
            let problem = problem.member("view", not_yet.view);
            problem.member("reached", not_yet.reached.get()).member("wanted", not_yet.wanted.get())
        }
        (_, Details::NotBuilt(not_built)) => {
            let problem = unavailable(kind, &message).member("view", not_built.view);
            problem.member("position", not_built.position.get()).member("of", not_built.of.get())
        }
        (_, Details::OtherCursor(other)) => {
            Problem::bad_request(kind, "cursor of another search", message).member("view", other.view)
        }
        ("NoPosition", _) => {
            let detail = "this query reads its caller's own writes: send the header `Cqrs-After` with a position, that of \
                          the `Cqrs-Position` of a command's answer";
            Problem::bad_request(kind, "position missing", detail)
        }
        ("Unavailable", _) => unavailable(kind, "the views cannot be read now; retry later"),
        ("Middleware", _) => refused_by_a_layer(),
        _ => internal(kind),
    }
}

fn refused_by_a_layer() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "Middleware", "refused", "a layer of the server refused the message")
}

impl<E: DomainError> From<CommandError<E>> for Problem {
    fn from(error: CommandError<E>) -> Self {
        WireError::from(error).into()
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        WireError::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json().to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, after.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_member_never_hides_what_every_problem_has() {
        let problem = Problem::busy().member("status", 200).member("type", json!(null)).member("more", 1);
        let body = problem.to_json();
        assert_eq!((&body["status"], &body["more"]), (&json!(503), &json!(1)));
        assert_eq!(body["type"], "urn:cqrs:Busy");
    }
}
