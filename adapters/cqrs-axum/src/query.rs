//! Queries: positions to wait for, and entity tags.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cqrs_core::fnv::{START, fnv1a};
use tokio::time::{Instant, timeout_at};

use crate::headers;
use crate::incoming::{Incoming, json_answer};
use crate::problem::Problem;

/// Asks a query.
pub(crate) async fn ask(incoming: Incoming<'_>) -> Result<Response, Problem> {
    let Incoming { shared, message, parts, meta, json, deadline } = incoming;
    let queries = shared.app.queries();
    let asking = async {
        let answer = match headers::after(&parts.headers)? {
            Some(position) => {
                let within = deadline.saturating_duration_since(Instant::now());
                queries.after(position).within(within).ask_json(message.name, &json, meta).await
            }
            None => queries.ask_json(message.name, &json, meta).await,
        };
        answer.map_err(Problem::from)
    };
    // One second more than the wait for a position, which has an answer of its own.
    let answer = timeout_at(deadline + std::time::Duration::from_secs(1), asking).await;
    let answer =
        answer.map_err(|_| Problem::timed_out("the query was not answered in time; retry it, or ask for less"))??;
    if answer.is_null() && shared.not_found_if_null.contains(message.name) {
        let detail = format!("`{}` found nothing", message.name);
        return Err(Problem::new(StatusCode::NOT_FOUND, "NotFound", "not found", detail));
    }
    let body = answer.to_string();
    let tag = format!("\"{:016x}\"", fnv1a(START, body.as_bytes()));
    let mut response = if headers::none_match(&parts.headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        json_answer(StatusCode::OK, body)
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}
