//! One request: who asks, the message, its answer.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use cqrs_core::panics::unpanicked;
use cqrs_runtime::Meta;
use cqrs_runtime::access::Principal;
use cqrs_runtime::error::Named;
use cqrs_runtime::registry::ServedMessage;
use cqrs_runtime::wire::WireError;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::{Instant, timeout_at};

use crate::incoming::Incoming;
use crate::problem::Problem;
use crate::shared::Shared;
use crate::{command, fields, headers, query};

/// What a route leads to.
#[derive(Clone)]
pub(crate) enum Target {
    /// The message that the path names.
    Named(Named),
    /// This message, with these fields in the path.
    Route {
        /// The message.
        message: Arc<ServedMessage>,
        /// The fields.
        fields: Arc<[String]>,
    },
}

/// Answers one request.
pub(crate) async fn handle(shared: Arc<Shared>, target: Target, request: Request) -> Response {
    let Ok(_permit) = shared.requests.try_acquire() else { return shared.answer(Problem::busy()) };
    let (mut parts, body) = request.into_parts();
    let (principal, meta) = match shared.caller(&mut parts).await {
        Ok(caller) => caller,
        Err(rejection) => return rejection,
    };
    let correlation = meta.correlation;
    // Handlers of queries and layers of the buses are the user's.
    let answer = unpanicked(answer(&shared, &target, &mut parts, body, principal.as_ref(), meta)).await;
    answer.unwrap_or_else(|_| Err(Problem::panicked())).unwrap_or_else(|mut problem| {
        problem.instance.get_or_insert_with(|| format!("urn:uuid:{correlation}").into());
        if problem.status.is_server_error() {
            tracing::warn!(%correlation, kind = problem.kind, path = parts.uri.path(), "request failed");
        }
        shared.answer(problem)
    })
}

/// Answers a request with a method that the path does not have.
pub(crate) fn other_method(shared: &Shared, method: &Method) -> Response {
    shared.answer(Problem::no_method(method))
}

async fn answer(
    shared: &Shared,
    target: &Target,
    parts: &mut Parts,
    body: Body,
    principal: Option<&Principal>,
    meta: Meta,
) -> Result<Response, Problem> {
    let preferred = headers::wait(&parts.headers);
    let within = preferred.map_or(shared.timeout, |wait| wait.min(shared.timeout));
    let now = Instant::now();
    // The time for the body does not depend on what the caller prefers.
    let (message, path) = addressed(shared, target, parts).await?;
    headers::is_meant(&parts.headers, message.name)?;
    message.exposure.access.check(principal).map_err(|denied| Problem::denied(message.name, denied))?;
    let json = read(shared, &message, &path, parts, body, now + shared.timeout).await?;
    let incoming = Incoming { shared, message: &message, parts, meta, json, deadline: Instant::now() + within };
    let mut response = match message.what {
        Named::Command => command::execute(incoming).await,
        _ => query::ask(incoming).await,
    }?;
    if preferred.is_some()
        && let Ok(applied) = HeaderValue::from_str(&format!("wait={}", within.as_secs()))
    {
        response.headers_mut().insert("preference-applied", applied);
    }
    Ok(response)
}

/// The message that a request names, and its fields in the path.
async fn addressed(
    shared: &Shared,
    target: &Target,
    parts: &mut Parts,
) -> Result<(Arc<ServedMessage>, Vec<fields::Pair>), Problem> {
    let in_path = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| {
        Problem::bad_request(
            "InvalidPath",
            "invalid path",
            "the path is not UTF-8; escape the bytes of a UTF-8 text with `%`",
        )
    })?;
    let named = |field: &str| in_path.iter().filter(|(name, _)| *name == field).last().map(|(_, text)| text.to_owned());
    match target {
        Target::Named(what) => {
            let name = named("name").unwrap_or_default();
            let message = shared.message(*what, &name).map_err(WireError::Unknown)?;
            Ok((Arc::clone(message), Vec::new()))
        }
        Target::Route { message, fields } => {
            let path = fields.iter().filter_map(|field| Some((field.clone(), named(field)?))).collect();
            Ok((Arc::clone(message), path))
        }
    }
}

/// The message's JSON.
async fn read(
    shared: &Shared,
    message: &ServedMessage,
    path: &[fields::Pair],
    parts: &Parts,
    body: Body,
    deadline: Instant,
) -> Result<String, Problem> {
    let query = fields::of_query_string(parts.uri.query());
    let body = if matches!(parts.method, Method::GET | Method::HEAD) {
        None
    } else {
        body_text(shared, message, parts, body, deadline).await?
    };
    fields::merged(message, path, &query, body.as_deref())
}

/// The body. `None` if there is none.
async fn body_text(
    shared: &Shared,
    message: &ServedMessage,
    parts: &Parts,
    body: Body,
    deadline: Instant,
) -> Result<Option<String>, Problem> {
    let is_json = headers::is_json(&parts.headers);
    if is_json == Some(false) && !body.is_end_stream() {
        return Err(no_json());
    }
    let max = shared.max_body_bytes;
    if body.size_hint().lower() > u64::try_from(max).unwrap_or(u64::MAX) {
        return Err(Problem::too_large(max));
    }
    let reading = timeout_at(deadline, Limited::new(body, max).collect()).await.map_err(|_| {
        let detail = "the body did not arrive in time; send it again";
        Problem::new(StatusCode::REQUEST_TIMEOUT, "BodyTimedOut", "body not received", detail)
    })?;
    let bytes = match reading {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Problem::too_large(max)),
        Err(_) => {
            let detail = "the body ended early, or cannot be read; send it again";
            return Err(Problem::bad_request("BodyUnreadable", "body not received", detail));
        }
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    if is_json != Some(true) {
        return Err(no_json());
    }
    let text =
        String::from_utf8(bytes.into()).map_err(|_| Problem::malformed(message.name, "", "the body is not UTF-8"))?;
    Ok(Some(text))
}

fn no_json() -> Problem {
    let detail = "the body is not declared as JSON; send it with the header `Content-Type: application/json`";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", "unsupported media type", detail)
}
