//! Commands: idempotency keys, and what a receipt is in HTTP.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cqrs_runtime::{CommandId, Meta, Receipt};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::headers::{self, EVENTS, POSITION, REPLAYED};
use crate::incoming::{Incoming, json_answer};
use crate::problem::Problem;

/// Executes a command.
pub(crate) async fn execute(incoming: Incoming<'_>) -> Result<Response, Problem> {
    let Incoming { shared, message, parts, mut meta, json, deadline } = incoming;
    if let Some(expected) = headers::expected(&parts.headers)? {
        if !message.loads {
            return Err(headers::cannot_expect());
        }
        meta = meta.expected(expected);
    }
    let mut running = None;
    if let Some(key) = headers::idempotency_key(&parts.headers)? {
        let id = id_of(&meta, key);
        running = Some(Running::begin(&shared.running, id.clone()).ok_or_else(still_running)?);
        meta = meta.command_id(CommandId::new(&id));
    }
    let within = deadline.saturating_duration_since(Instant::now());
    let bus = shared.app.commands();
    let executing = bus.execute_json(message.name, &json, meta.within(within));
    // The command is started before its deadline, or not at all. A caller that still waits after that has one that runs.
    let answer = timeout_at(deadline + shared.timeout.max(Duration::from_secs(1)), executing).await;
    drop(running);
    let answer = answer.map_err(|_| Problem::still_running())?;
    match answer {
        Ok(receipt) => {
            let location = shared.locations.get(message.name).and_then(|location| location.of(receipt.returned()));
            Ok(accepted(&receipt, message.creates, location.as_deref()))
        }
        Err(error) if error.kind() == "TimedOut" && bus.is_full() => Err(Problem::queue_full()),
        Err(error) => Err(error.into()),
    }
}

fn accepted(receipt: &Receipt<Value>, creates: bool, location: Option<&str>) -> Response {
    let mut response = if receipt.returned().is_null() {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let status = if creates { StatusCode::CREATED } else { StatusCode::OK };
        json_answer(status, receipt.returned().to_string())
    };
    let headers = response.headers_mut();
    headers.insert(POSITION, receipt.position().get().into());
    headers.insert(EVENTS, receipt.events().into());
    if receipt.is_repeated() {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(location).ok()) {
        headers.insert(header::LOCATION, location);
    }
    response
}

/// The command's id. Keys of different callers are different commands, although they read the same.
fn id_of(meta: &Meta, key: String) -> String {
    match (&meta.tenant, &meta.actor) {
        (None, None) => key,
        (tenant, actor) => serde_json::json!([tenant, actor, key]).to_string(),
    }
}

fn still_running() -> Problem {
    let detail = "a command with this idempotency key is being executed; wait for its answer, or retry later";
    Problem::new(StatusCode::CONFLICT, "IdempotencyKeyInUse", "idempotency key in use", detail).retry()
}

/// A key whose command runs, until this is dropped.
struct Running<'a> {
    all: &'a Mutex<HashSet<String>>,
    id: String,
}

impl<'a> Running<'a> {
    /// `None` if it runs already.
    fn begin(all: &'a Mutex<HashSet<String>>, id: String) -> Option<Self> {
        let is_new = all.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        is_new.then_some(Self { all, id })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
