//! Projections that are at an event which the log has lost, in the log's own transaction (level 1).

use super::Engine;
use cqrs_core::log::LogTransaction;
use cqrs_core::position::Bookmark;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::Parked;

/// Clears the projections whose checkpoint is at an event that the log does not hold.
///
/// They are folded again from the log's start. An async projection manages its tables itself, so it is parked.
pub(crate) async fn clear_lost(tx: &mut dyn LogTransaction, engine: &Engine) -> Result<(), StoreError> {
    let last = tx.last().await?;
    let Some(views) = tx.views() else { return Ok(()) };
    let reached = engine.reached(views).await?;
    // Usually all of them are at the last event, and no query is needed.
    let doubtful: Vec<(&'static str, Bookmark)> = reached
        .into_iter()
        .map(|(name, checkpoint)| (name, checkpoint.bookmark()))
        .filter(|(_, at)| *at != last && *at != Bookmark::START)
        .collect();
    if doubtful.is_empty() {
        return Ok(());
    }
    let bookmarks: Vec<Bookmark> = doubtful.iter().map(|(_, at)| *at).collect();
    let held = tx.holds(&bookmarks).await?;
    let lost = doubtful.into_iter().zip(held).filter(|(_, held)| !held).map(|(lost, _)| lost);
    for (name, at) in lost {
        let shown = engine.plain(name);
        let Some(views) = tx.views() else { return Ok(()) };
        let text = lost_text(at, last);
        if engine.folds_into(name) {
            tracing::warn!(projection = shown, "{text}: its view is rebuilt");
            engine.clear(views, name).await?;
        } else if !views.parked().await?.iter().any(|parked| parked.projection == name && parked.key.is_empty()) {
            tracing::warn!(projection = shown, "{text}: it is parked");
            views.park(&[parked(name, last, &text)]).await?;
        }
    }
    Ok(())
}

/// The error text for a projection or policy that is at an event which the log has lost.
pub(crate) fn lost_text(at: Bookmark, last: Bookmark) -> String {
    let event = at.event.map_or_else(|| "the event that was".to_owned(), |event| format!("event {event}"));
    format!(
        "the log does not hold {event} at position {}, up to which it was processed, and ends at position {}: the log was restored \
         from a backup, or has failed over to a server that lacks its last events",
        at.position, last.position
    )
}

/// The parked entry of an async projection as a whole. Only its owner can fix its tables.
pub(crate) fn parked(projection: &str, last: Bookmark, text: &str) -> Parked {
    Parked {
        projection: projection.to_owned(),
        key: String::new(),
        position: last.position,
        event: String::new(),
        error: format!("{text}; fix the content of its tables, then rebuild it"),
        attempts: 1,
    }
}
