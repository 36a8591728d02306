//! A message as it came in, and an answer in JSON.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use cqrs_runtime::Meta;
use cqrs_runtime::registry::ServedMessage;
use tokio::time::Instant;

use crate::shared::Shared;

/// A message as it came in.
pub(crate) struct Incoming<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) message: &'a ServedMessage,
    pub(crate) parts: &'a Parts,
    pub(crate) meta: Meta,
    /// The message's JSON.
    pub(crate) json: String,
    /// When it must be done.
    pub(crate) deadline: Instant,
}

/// The answer with a JSON body.
pub(crate) fn json_answer(status: StatusCode, json: String) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
