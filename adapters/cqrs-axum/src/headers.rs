//! What the headers of a request say.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use cqrs_runtime::{Meta, Position, TraceContext};

use crate::problem::Problem;

/// The position of a command's last event.
pub(crate) const POSITION: HeaderName = HeaderName::from_static("cqrs-position");
/// How many events a command emitted.
pub(crate) const EVENTS: HeaderName = HeaderName::from_static("cqrs-events");
/// The position that a query's answer must contain.
pub(crate) const AFTER: HeaderName = HeaderName::from_static("cqrs-after");
/// The message that the client means.
const MESSAGE: HeaderName = HeaderName::from_static("cqrs-message");
/// The client's id of one command.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Whether the answer is that of an earlier request.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

const PREFER: HeaderName = HeaderName::from_static("prefer");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The longest idempotency key, in bytes.
const MAX_KEY: usize = 255;

/// The value of a header that may be there once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let wrong = |why: &str| invalid(name, why);
    if values.next().is_some() {
        return Err(wrong("it is given twice; send it once"));
    }
    value
        .to_str()
        .map(|value| Some(value.trim()))
        .map_err(|_| wrong("it contains other characters than ASCII's visible ones"))
}

fn invalid(name: &HeaderName, why: &str) -> Problem {
    Problem::bad_request("InvalidHeader", "invalid header", format!("header `{name}` cannot be used: {why}"))
        .member("header", name.as_str())
}

/// The text between quotes, or all of it.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

fn position(name: &HeaderName, value: &str) -> Result<Position, Problem> {
    let number = unquoted(value);
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid(name, "send a position, the whole number of an answer's `Cqrs-Position`"));
    }
    number.parse().map(Position::new).map_err(|_| invalid(name, "the position is too large"))
}

/// `Cqrs-Message: ShipOrder`, of a client that may be of another version.
pub(crate) fn is_meant(headers: &HeaderMap, message: &str) -> Result<(), Problem> {
    match one(headers, &MESSAGE)? {
        Some(meant) if meant != message => {
            let detail =
                format!("this path leads to `{message}`, and `{meant}` is meant; send it to the path of its name");
            Err(Problem::new(StatusCode::NOT_FOUND, "OtherMessage", "another message's path", detail))
        }
        _ => Ok(()),
    }
}

/// `Cqrs-After: 17`
pub(crate) fn after(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    one(headers, &AFTER)?.map(|value| position(&AFTER, value)).transpose()
}

/// `If-Match: "17"`, a position.
pub(crate) fn expected(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    one(headers, &header::IF_MATCH)?.map(|value| position(&header::IF_MATCH, value)).transpose()
}

/// The problem of a header that cannot be followed.
pub(crate) fn cannot_expect() -> Problem {
    invalid(&header::IF_MATCH, "this message loads no aggregate whose events could be compared; send it without")
}

/// `Prefer: wait=5`. Other preferences are another server's, and a wait that is no number is not followed: RFC 7240.
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(&PREFER).iter().filter_map(|value| value.to_str().ok());
    let waits = values.flat_map(|value| value.split([',', ';'])).filter_map(|preference| {
        let (name, value) = preference.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"').parse().ok())?
    });
    waits.map(Duration::from_secs).next()
}

/// `Idempotency-Key: "4711"`, with or without the quotes.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = one(headers, &IDEMPOTENCY_KEY)? else { return Ok(None) };
    let key = unquoted(value);
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(invalid(
            &IDEMPOTENCY_KEY,
            &format!("send a text of 1 to {MAX_KEY} characters, new for each command"),
        ));
    }
    Ok(Some(key.to_owned()))
}

/// The trace that the request belongs to. An invalid one is another's fault, and begins a new trace, as W3C's
/// recommendation says.
pub(crate) fn traced(headers: &HeaderMap, meta: Meta) -> Meta {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let context = text(&TRACEPARENT).and_then(|parent| TraceContext::from_headers(parent, text(&TRACESTATE)));
    match context {
        Some(context) => meta.trace(context),
        None => meta,
    }
}

/// Whether the body is JSON. `None` if the request does not say what it is.
pub(crate) fn is_json(headers: &HeaderMap) -> Option<bool> {
    let value = headers.get(header::CONTENT_TYPE)?;
    let media_type =
        value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json =
        media_type == "application/json" || media_type.starts_with("application/") && media_type.ends_with("+json");
    Some(json)
}

/// Whether one of the tags of `If-None-Match` is this one.
pub(crate) fn none_match(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}
