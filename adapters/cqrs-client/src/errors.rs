//! The errors of both buses, from the problems of `cqrs-axum`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use cqrs_core::store_error::StoreError;
use cqrs_runtime::error::{Conflict, Entity, IdReused, NotBuilt, NotYet, OtherCursor, Panicked, Rejecting};
use cqrs_runtime::{Command, CommandError, CommandId, Query, QueryError};

use crate::answer::Refusal;
use crate::send::Service;

/// How many names of aggregates and views are kept for good, and how long each may be: errors name them for as long as the program runs.
const MOST_NAMES: usize = 1_000;
const LONGEST_NAME: usize = 200;

static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// The name of an aggregate or a view, as the errors of the buses have it.
fn name(text: &str) -> &'static str {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(text) {
        return known;
    }
    if names.len() >= MOST_NAMES || text.len() > LONGEST_NAME {
        return "(unknown)";
    }
    let kept: &'static str = Box::leak(text.into());
    names.insert(kept);
    kept
}

/// The error of a command.
pub(crate) fn of_command<C: Command<Error: Rejecting>>(
    refusal: &Refusal,
    key: &str,
    service: &Service,
) -> CommandError<C::Error> {
    let known = match &*refusal.kind {
        "Rejected" => refusal.remote().read().map(CommandError::Rejected),
        "NotFound" => entity(refusal).map(CommandError::NotFound),
        "AlreadyExists" => entity(refusal).map(CommandError::AlreadyExists),
        "Conflict" => refusal.position("loaded_at").map(|loaded_at| CommandError::Conflict(Conflict { loaded_at })),
        "IdReused" => reused(refusal, key, C::NAME).map(CommandError::IdReused),
        "Panicked" => {
            let message = refusal.message.clone();
            Some(CommandError::Panicked(Panicked { command: C::NAME, message }))
        }
        _ if refusal.outcome_is_unknown() => Some(CommandError::Unavailable(service.unknown(refusal.message.clone()))),
        "TimedOut" | "QueueFull" => Some(CommandError::TimedOut),
        "ShutDown" => Some(CommandError::ShutDown),
        "Unavailable" | "Busy" => Some(CommandError::Unavailable(unavailable(refusal, service))),
        _ => None,
    };
    known.unwrap_or_else(|| match &*refusal.kind {
        "Middleware" => CommandError::Middleware(Box::new(refusal.remote())),
        _ => CommandError::Remote(Box::new(refusal.remote())),
    })
}

/// The error of a query.
pub(crate) fn of_query<Q: Query>(refusal: &Refusal, service: &Service) -> QueryError {
    let view = || refusal.member("view").map(name);
    let at = |name| refusal.position(name);
    let known = match &*refusal.kind {
        "NotYet" => view()
            .zip(at("reached"))
            .zip(at("wanted"))
            .map(|((view, reached), wanted)| QueryError::NotYet(NotYet { view, reached, wanted })),
        "NotBuilt" => view()
            .zip(at("position"))
            .zip(at("of"))
            .map(|((view, position), of)| QueryError::NotBuilt(NotBuilt { view, position, of })),
        "NoPosition" => Some(QueryError::NoPosition(Q::NAME)),
        "OtherCursor" => view().map(|view| QueryError::OtherCursor(OtherCursor { view })),
        "Unavailable" | "Busy" | "ShutDown" | "TimedOut" => {
            Some(QueryError::Unavailable(unavailable(refusal, service)))
        }
        _ => None,
    };
    known.unwrap_or_else(|| match &*refusal.kind {
        "Rejected" | "Failed" => QueryError::Failed(Box::new(refusal.remote())),
        "Middleware" => QueryError::Middleware(Box::new(refusal.remote())),
        _ => QueryError::Remote(Box::new(refusal.remote())),
    })
}

fn unavailable(refusal: &Refusal, service: &Service) -> StoreError {
    StoreError::Unavailable { store: service.name(), reason: refusal.message.clone() }
}

fn entity(refusal: &Refusal) -> Option<Entity> {
    let aggregate = name(refusal.member("aggregate")?);
    Some(Entity { aggregate, id: refusal.member("id")?.to_owned() })
}

fn reused(refusal: &Refusal, key: &str, second: &str) -> Option<IdReused> {
    Some(IdReused {
        id: CommandId::new(key),
        first: refusal.member("first")?.to_owned(),
        recorded_at: refusal.member("recorded_at")?.parse().ok()?,
        position: refusal.position("position")?,
        second: second.to_owned(),
    })
}
