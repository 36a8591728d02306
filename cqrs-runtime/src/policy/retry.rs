//! Operators' calls for parked events of policies.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::Instrument;

use super::checkpoint::{NO_ROWS, checkpoints};
use super::error::ReactionError;
use super::handling::{event_key, parked, react, ready};
use super::reaction::PolicyInfo;
use super::returns::Failure;
use crate::bus::services::Services;
use crate::model::error::OperationError;
use cqrs_core::event::RecordedEvent;
use cqrs_core::log::EventQuery;
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Checkpoint, Parked};

/// Handles the parked events of a policy again, and returns what is still parked.
pub(crate) async fn retry(services: &Arc<Services>, info: &'static PolicyInfo) -> Result<Vec<Parked>, OperationError> {
    let mut by_event: BTreeMap<Position, Vec<Parked>> = BTreeMap::new();
    for entry in parked_of(services, info.owner).await? {
        by_event.entry(entry.position).or_default().push(entry);
    }
    let (mut tried, mut still) = (Vec::new(), Vec::new());
    for (position, entries) in by_event {
        let before = position.previous();
        let event = services.log.read(&EventQuery::all(), before, 1).await?.events.pop();
        // If the log has lost the event, another one may be at its position.
        let is_it = |event: &RecordedEvent| {
            event.position() == position && entries.iter().all(|entry| entry.event == event.name())
        };
        match event.filter(is_it) {
            Some(event) => {
                let span = services.trace_link.reaction(info.name, &event);
                let handled = handle(services, info, &event).instrument(span).await?;
                still.extend(handled.unwrap_or_else(|| entries.clone()));
            }
            None => still.extend(entries.iter().cloned()),
        }
        tried.extend(entries);
    }
    replace(services, &tried, &still).await?;
    Ok(still)
}

/// Discards the parked events of a policy, and returns them.
pub(crate) async fn dismiss(services: &Services, owner: &str) -> Result<Vec<Parked>, StoreError> {
    let parked = parked_of(services, owner).await?;
    replace(services, &parked, &[]).await?;
    Ok(parked)
}

/// Lets a policy go on after a position. It had stopped because the log has lost events that it had handled.
pub(crate) async fn resume(
    services: &Services,
    info: &'static PolicyInfo,
    after: Position,
) -> Result<(), OperationError> {
    let failed = |reason: String| OperationError::NotResumed { policy: info.name.to_owned(), reason };
    let mut tx = services.log.begin().await?;
    let (last, store) = (tx.last().await?, services.log.describe());
    if after > last.position {
        return Err(failed(format!("cannot resume after position {after}: the log ends at {}", last.position)));
    }
    let known = checkpoints(&mut *tx, &store)?.checkpoints(&[info.owner]).await?.pop().flatten();
    let known = known.map_or(Bookmark::START, |known| known.bookmark());
    if tx.holds(&[known]).await?[0] {
        return Err(failed(format!(
            "the policy is not stopped: it has handled every event up to position {}",
            known.position
        )));
    }
    let from = match after {
        Position::START => Bookmark::START,
        after => {
            let page = tx.read(&EventQuery::all(), after.previous(), 1).await?;
            page.events.first().map_or(after.into(), Bookmark::from)
        }
    };
    checkpoints(&mut *tx, &store)?.set_checkpoints(&[(info.owner, Checkpoint::at(from, NO_ROWS))]).await?;
    tx.commit().await?;
    services.head.wake();
    Ok(())
}

async fn parked_of(services: &Services, owner: &str) -> Result<Vec<Parked>, StoreError> {
    let Some(views) = services.log.views() else { return Ok(Vec::new()) };
    Ok(views.parked().await?.into_iter().filter(|entry| entry.projection == owner).collect())
}

/// Handles one event, and returns what to park of it. `None` if the policy no longer listens to it.
async fn handle(
    services: &Arc<Services>,
    info: &'static PolicyInfo,
    event: &RecordedEvent,
) -> Result<Option<Vec<Parked>>, OperationError> {
    let Some(reaction) = info.reactions.iter().find(|reaction| reaction.event == event.name()) else { return Ok(None) };
    let sent = match react(services, reaction, event).await {
        Ok(sent) => sent,
        Err(ReactionError::Unavailable(error)) => return Err(error.into()),
        Err(error) => return Ok(Some(vec![parked(info, event, event_key(event), error.to_string())])),
    };
    let mut still = Vec::new();
    for mut ready in ready(info, event, sent) {
        match ready.execute(services, info, event).await {
            Ok(()) => {}
            Err(Failure::Later(error) | Failure::Final(error)) => {
                still.push(parked(info, event, ready.key.clone(), ready.refused(&error)));
            }
            Err(Failure::Unavailable(reason)) => {
                return Err(StoreError::Unavailable { store: services.log.describe(), reason }.into());
            }
            Err(Failure::ShutDown) => return Err(OperationError::ShutDown),
        }
    }
    Ok(Some(still))
}

/// Parks `still` instead of `tried`. Entries that were parked in between stay.
async fn replace(services: &Services, tried: &[Parked], still: &[Parked]) -> Result<(), StoreError> {
    if tried.is_empty() {
        return Ok(());
    }
    let mut tx = services.log.begin().await?;
    let views = checkpoints(&mut *tx, &services.log.describe())?;
    for entry in views.parked().await?.iter().filter(|entry| tried.contains(entry)) {
        views.unpark(&entry.projection, &entry.key).await?;
    }
    if !still.is_empty() {
        views.park(still).await?;
    }
    tx.commit().await
}
