//! Retries one parked key from the event at which it is parked.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::engine::{Engine, FoldEntry, ParkedKeys, apply_handle, by_projection, keys_of_unreadable, read};
use super::overlay::{AnyOverlay, Needs, Overlays, Replayed, Stock};
use crate::model::error::{Named, OperationError, UnknownName};
use cqrs_core::event::RecordedEvent;
use cqrs_core::log::EventQuery;
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Checkpoint, Parked, ViewTransaction};

/// Replays the events of a parked key, in order, up to its projection's position. Other keys do not change.
///
/// The views that the projection looks up are folded from the log's start, in memory: a look-up must return the same row as at
/// the time of the event. For an async projection, only the event at which it is parked is replayed.
pub(crate) struct Replay {
    engine: Arc<Engine>,
    target: Target,
    parked: Parked,
    /// The first event to apply to the key.
    from: Position,
    /// The projection's position.
    reached: Position,
    overlays: Overlays,
    query: EventQuery,
    after: Position,
}

/// The projection of a parked key.
enum Target {
    /// A projection of fold methods, by its index in the engine.
    Fold(usize),
    /// An async projection, by its index, and the event at which it is parked, once it is read.
    Handle(usize, Option<RecordedEvent>),
}

impl Engine {
    /// Starts to retry a parked key, from the event at which it is parked or, with `skip`, after it.
    ///
    /// `None` if nothing is left to do: after a skip, an async projection resumes on its own, and an event without a key is done.
    ///
    /// # Errors
    /// The key is not parked, or the store failed.
    pub(crate) async fn replay(
        self: &Arc<Self>,
        tx: &mut dyn ViewTransaction,
        projection: &'static str,
        key: &str,
        skip: bool,
    ) -> Result<Option<Replay>, OperationError> {
        if let Some(claim) = self.is_changed(tx, projection).await?.filter(|_| key.is_empty()) {
            if !skip {
                return Err(OperationError::ParkedAgain { projection: projection.to_owned() });
            }
            tx.set_checkpoints(&[claim]).await?;
            return Ok(None);
        }
        let all = tx.parked().await?;
        let stored = self.stored_as(projection);
        let parked = all.iter().find(|parked| parked.projection == stored && parked.key == key).cloned();
        let parked = parked
            .ok_or_else(|| OperationError::NotParked { projection: projection.to_owned(), key: key.to_owned() })?;
        let reached = self.reached(tx).await?;
        let before = parked.position.previous();
        if let Some(place) = self.handles.iter().position(|entry| entry.name == projection) {
            if skip {
                let after = Checkpoint::at(parked.position.into(), reached[projection].fingerprint);
                tx.unpark(projection, key).await?;
                tx.set_checkpoints(&[(projection, after)]).await?;
                return Ok(None);
            }
            return Ok(Some(Replay {
                engine: Arc::clone(self),
                target: Target::Handle(place, None),
                from: parked.position,
                reached: parked.position,
                overlays: Overlays::default(),
                query: EventQuery::named(self.handles[place].events),
                after: before,
                parked,
            }));
        }
        let place = self.folds.iter().position(|entry| entry.name == projection);
        let place = place.ok_or_else(|| self.unknown(projection))?;
        let target = &self.folds[place];
        if key == unnamed(parked.position) {
            if !skip {
                return Err(OperationError::NoKey { projection: projection.to_owned(), position: parked.position });
            }
            tx.unpark(stored, key).await?;
            return Ok(None);
        }
        let mut needs = Needs::default();
        needs.keys.insert(key.to_owned());
        let stock = read(tx, &target.place.shape, needs).await?;
        let mut waiting = by_projection(all);
        if let Some(keys) = waiting.get_mut(stored) {
            keys.remove(key);
        }
        let involved = self.involved(target);
        let looks_up = involved.len() > 1;
        let names: BTreeSet<&str> = involved.iter().flat_map(|entry| entry.events).copied().collect();
        Ok(Some(Replay {
            engine: Arc::clone(self),
            target: Target::Fold(place),
            from: if skip { parked.position.next() } else { parked.position },
            reached: reached[target.checkpoint].position,
            overlays: overlays(&involved, target, stock, &waiting, key),
            query: EventQuery::named(&names.into_iter().collect::<Vec<_>>()),
            after: if looks_up { Position::START } else { before },
            parked,
        }))
    }

    /// The error for a projection that is not run here.
    fn unknown(&self, projection: &str) -> OperationError {
        let known = self.projections();
        OperationError::Unknown(UnknownName { what: Named::Projection, name: projection.to_owned(), known })
    }

    /// A projection and all projections that it looks up, directly or indirectly.
    fn involved(&self, target: &FoldEntry) -> Vec<&FoldEntry> {
        let mut views = BTreeSet::from([target.shape.name]);
        // Projections that are looked up come first.
        for entry in self.folds.iter().rev() {
            if views.contains(entry.shape.name) {
                views.extend(entry.look_ups);
            }
        }
        self.folds.iter().filter(|entry| views.contains(entry.shape.name)).collect()
    }
}

/// The key under which an event without a key is parked.
fn unnamed(position: Position) -> String {
    format!("@{position}")
}

fn overlays(involved: &[&FoldEntry], target: &FoldEntry, stock: Stock, parked: &ParkedKeys, key: &str) -> Overlays {
    let mut stock = Some(stock);
    let overlay = |entry: &&FoldEntry| -> (&'static str, Box<dyn AnyOverlay>) {
        let is_target = entry.shape.name == target.shape.name;
        let how = if is_target { Replayed::Key(key.to_owned()) } else { Replayed::LookedUp };
        let stock = stock.take_if(|_| is_target).unwrap_or_default();
        let parked = parked.get(entry.place.projection).cloned().unwrap_or_default();
        (entry.shape.name, entry.fold.overlay(stock, parked, Some(how), None))
    };
    involved.iter().map(overlay).collect()
}

impl Replay {
    /// The query for the events to feed it.
    pub(crate) fn query(&self) -> &EventQuery {
        &self.query
    }

    /// The position after which events are missing. `None` if it has all of them.
    pub(crate) fn after(&self) -> Option<Position> {
        (self.after < self.reached).then_some(self.after)
    }

    /// Extends the replay to the projection's current position. The caller feeds the events up to there.
    ///
    /// Returns whether the key is still parked as before. If not, the replay is void.
    pub(crate) async fn go_on(&mut self, tx: &mut dyn ViewTransaction) -> Result<bool, StoreError> {
        if !tx.parked().await?.contains(&self.parked) {
            return Ok(false);
        }
        if let Target::Fold(place) = self.target {
            let reached = self.engine.reached(tx).await?;
            self.reached = reached[self.engine.folds[place].checkpoint].position.max(self.reached);
        }
        Ok(true)
    }

    /// Folds the events up to a position.
    pub(crate) fn feed(&mut self, events: &[RecordedEvent], up_to: Position) {
        self.after = up_to;
        let target = match &mut self.target {
            Target::Fold(place) => *place,
            Target::Handle(_, found) => {
                let event = events.iter().find(|event| event.position() == self.from);
                *found = event.map(|event| RecordedEvent::new(event.header().clone(), event.data().into()));
                return;
            }
        };
        for event in events.iter().filter(|event| event.position() <= self.reached) {
            for (place, entry) in self.engine.folds.iter().enumerate() {
                let is_target = place == target;
                if !entry.events.contains(&event.name()) || (is_target && event.position() < self.from) {
                    continue;
                }
                let Some(mut rows) = self.overlays.remove(entry.shape.name) else { continue };
                if let Err(error) = entry.fold.fold(event, &self.overlays, &mut *rows)
                    && is_target
                    && keys_of_unreadable(event, entry).contains(&self.parked.key)
                {
                    rows.park(self.parked.key.clone(), &error);
                }
                self.overlays.insert(entry.shape.name, rows);
            }
        }
    }

    /// Writes the key's row, and unparks the key or parks it again.
    pub(crate) async fn finish(self, tx: &mut dyn ViewTransaction) -> Result<(), StoreError> {
        let Self { engine, target, parked, mut overlays, .. } = self;
        let attempts = parked.attempts.saturating_add(1);
        let target = match target {
            Target::Fold(place) => &engine.folds[place],
            Target::Handle(place, event) => {
                let entry = &engine.handles[place];
                let reached = engine.reached(tx).await?[entry.name];
                tx.unpark(entry.name, &parked.key).await?;
                let done = event.as_ref().map_or(parked.position.into(), Bookmark::from);
                let events: Vec<RecordedEvent> = event.into_iter().collect();
                if apply_handle(entry, tx, &events, reached.bookmark(), attempts).await? {
                    let done = Checkpoint::at(done, reached.fingerprint);
                    tx.set_checkpoints(&[(entry.name, done)]).await?;
                }
                return Ok(());
            }
        };
        let Some(mut rows) = overlays.remove(target.shape.name) else { return Ok(()) };
        let change = rows.changes();
        if !change.put.is_empty() || !change.remove.is_empty() {
            tx.write(&target.place.shape, &change.put, &change.remove).await?;
        }
        let newly = rows.newly_parked().into_iter().next();
        let again = newly.map(|newly| Parked { projection: parked.projection.clone(), attempts, ..newly });
        match again {
            Some(again) => tx.park(&[again]).await,
            None => tx.unpark(&parked.projection, &parked.key).await,
        }
    }
}
