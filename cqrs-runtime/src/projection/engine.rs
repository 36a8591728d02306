//! The projection engine: folds batches of events into views, as if one at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::erased::{ErasedFold, ErasedHandle, ErasedProjection};
use super::filled::Filled;
use super::fingerprint::{Fingerprints, groups};
use super::generation::{Generations, NO_SHAPE};
use super::overlay::{LookedUp, Needs, Overlays, ParkedAt, Stock};
use super::partition::Partition;
use crate::fast_map::{FastMap, FastSet};
use crate::model::aggregate::{FoldError, FoldRefusal};
use crate::projection::ProjectionInfo;
use crate::telemetry::spans;
use cqrs_core::column::Value;
use cqrs_core::event::RecordedEvent;
use cqrs_core::panics::unpanicked;
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Checkpoint, Generation, Parked, Removed, Row, ViewShape, ViewTransaction};

/// All projections of an app, or some. By default it has none.
#[derive(Default)]
pub(crate) struct Engine {
    /// A projection that is looked up precedes the projections that look it up.
    pub(super) folds: Vec<FoldEntry>,
    pub(super) handles: Vec<HandleEntry>,
    /// The names of their checkpoints.
    names: Vec<&'static str>,
    /// Which keys it folds, if it is one partition of a projection.
    part: Option<Partition>,
}

/// A projection of fold methods.
pub(super) struct FoldEntry {
    pub(super) name: &'static str,
    /// The view's own shape. Others look the view up by the shape's name.
    pub(super) shape: ViewShape,
    /// Where its rows are stored: the live build or the shadow build.
    pub(super) place: Generation,
    /// The name of its checkpoint: `place.projection`, or the partition's name if this is a partition.
    pub(super) checkpoint: &'static str,
    pub(super) events: &'static [&'static str],
    pub(super) look_ups: &'static [&'static str],
    pub(super) fold: Box<dyn ErasedFold>,
}

/// A projection of async methods.
pub(super) struct HandleEntry {
    pub(super) name: &'static str,
    pub(super) events: &'static [&'static str],
    /// The version that fills its tables.
    pub(super) filled: Filled,
    handle: Box<dyn ErasedHandle>,
}

/// Parked keys, by projection.
pub(super) type ParkedKeys = HashMap<String, ParkedAt>;

/// The data that was read for a batch, and the events that need it.
struct Prefetched<'a> {
    stocks: FastMap<&'static str, Stock>,
    /// Event, projection, and why the event cannot be read.
    steps: Vec<(&'a RecordedEvent, usize, Option<FoldError>)>,
}

impl Engine {
    /// Puts projections in the order in which they look each other up.
    ///
    /// # Errors
    /// The names of projections that look each other up in a circle.
    pub(crate) fn new(projections: &[&'static ProjectionInfo]) -> Result<Self, String> {
        let (generations, fingerprints) = (Generations::of(projections), Fingerprints::of(projections));
        let mut engine = Self::default();
        for info in in_order(projections)? {
            let stored = generations.get(info.name).and_then(|stored| Some((stored.name, stored.shape?)));
            match ((info.make)(), info.view, stored) {
                (ErasedProjection::Fold(fold), Some(layout), Some((checkpoint, stored))) => {
                    let (name, events, look_ups) = (info.name, info.events, info.look_ups);
                    let place = Generation { shape: stored, projection: checkpoint };
                    let shape = ViewShape { name: layout.name, ..stored };
                    engine.folds.push(FoldEntry { name, shape, place, checkpoint, events, look_ups, fold });
                }
                (ErasedProjection::Handle(handle), ..) => {
                    let filled = Filled::new(info.name, fingerprints.get(info.name));
                    engine.handles.push(HandleEntry { name: info.name, events: info.events, filled, handle });
                }
                (ErasedProjection::Fold(_), ..) => unreachable!("a fold projection is registered with its view"),
            }
        }
        engine.name();
        Ok(engine)
    }

    /// Returns an engine for each group of projections that must advance together.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub(crate) fn groups(projections: &[&'static ProjectionInfo]) -> Result<Vec<Self>, String> {
        in_order(projections)?;
        let mut groups = groups(projections);
        for info in projections {
            if !groups.iter().any(|group| group.contains(&info.name)) {
                groups.push(vec![info.name]);
            }
        }
        let of = |group: Vec<&str>| projections.iter().copied().filter(|info| group.contains(&info.name)).collect();
        groups.into_iter().map(|group| Self::new(&of(group) as &Vec<_>)).collect()
    }

    /// Returns the same projections with rows and checkpoints stored elsewhere.
    pub(crate) fn placed(mut self, place: impl Fn(Generation) -> Generation) -> Self {
        for entry in &mut self.folds {
            entry.place = place(entry.place);
            entry.checkpoint = entry.place.projection;
        }
        self.name();
        self
    }

    /// Puts the checkpoints' names in the order of the projections.
    fn name(&mut self) {
        let folds = self.folds.iter().map(|entry| entry.checkpoint);
        self.names = folds.chain(self.handles.iter().map(|entry| entry.name)).collect();
    }

    /// Returns one partition of a projection that is its own group.
    pub(crate) fn part(mut self, part: Partition) -> Self {
        self.part = Some(part);
        for entry in &mut self.folds {
            entry.checkpoint = part.name(entry.place.projection);
        }
        self.names = self.folds.iter().map(|entry| entry.checkpoint).collect();
        self
    }

    /// The views that it folds into.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = &ViewShape> {
        self.folds.iter().map(|entry| &entry.place.shape)
    }

    /// Returns whether it has async projections.
    pub(crate) fn has_handles(&self) -> bool {
        !self.handles.is_empty()
    }

    /// Where the rows and the checkpoints of its folds are.
    pub(crate) fn places(&self) -> impl Iterator<Item = Generation> {
        self.folds.iter().map(|entry| entry.place)
    }

    /// The names of its projections, as users know them.
    pub(crate) fn projections(&self) -> Vec<&'static str> {
        let folds = self.folds.iter().map(|entry| entry.name);
        folds.chain(self.handles.iter().map(|entry| entry.name)).collect()
    }

    /// The names of its projections' checkpoints.
    pub(crate) fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// The name of the projection that has this checkpoint.
    pub(crate) fn plain(&self, stored: &'static str) -> &'static str {
        self.folds.iter().find(|entry| entry.checkpoint == stored).map_or(stored, |entry| entry.name)
    }

    /// The projection name that is stored with its parked keys.
    pub(super) fn stored_as(&self, projection: &'static str) -> &'static str {
        let entry = self.folds.iter().find(|entry| entry.name == projection);
        entry.map_or(projection, |entry| entry.place.projection)
    }

    /// The names of the events that it listens to.
    pub(crate) fn events(&self) -> BTreeSet<&'static str> {
        let folds = self.folds.iter().flat_map(|entry| entry.events);
        folds.chain(self.handles.iter().flat_map(|entry| entry.events)).copied().collect()
    }

    /// Folds events into every projection that lacks them, and moves the checkpoints to `up_to`.
    ///
    /// `events` has every event between `after` and `up_to` that any of the projections listens to. A projection that is before
    /// `after` is skipped. Returns whether all projections reached `up_to`: a parked async projection does not.
    pub(crate) async fn apply(
        &self,
        tx: &mut dyn ViewTransaction,
        after: Position,
        events: &[RecordedEvent],
        up_to: Bookmark,
    ) -> Result<bool, StoreError> {
        if self.names.is_empty() {
            return Ok(true);
        }
        let mut reached = self.reached(tx).await?;
        let all = reached.len();
        reached.retain(|_, checkpoint| checkpoint.position >= after);
        let (parked, unclaimed) = self.parked_and_unclaimed(tx).await?;
        let parked = by_projection(parked);
        self.apply_folds(tx, events, &reached, &parked).await?;
        let mut stopped = HashSet::new();
        for entry in &self.handles {
            let Some(checkpoint) = reached.get(entry.name) else { continue };
            let waits = parked.get(entry.name).is_some_and(|keys| keys.contains_key(""));
            if waits || !apply_handle(entry, tx, events, checkpoint.bookmark(), 1).await? {
                stopped.insert(entry.name);
            }
        }
        let came = stopped.is_empty() && reached.len() == all;
        let moved: Vec<_> = reached
            .into_iter()
            .filter(|(name, checkpoint)| checkpoint.position < up_to.position && !stopped.contains(name))
            .map(|(name, checkpoint)| (name, Checkpoint::at(up_to, checkpoint.fingerprint)))
            .chain(unclaimed)
            .collect();
        tx.set_checkpoints(&moved).await?;
        Ok(came)
    }

    /// Clears the rows of a projection.
    pub(crate) async fn clear(&self, tx: &mut dyn ViewTransaction, name: &str) -> Result<(), StoreError> {
        let place = self.folds.iter().map(|entry| &entry.place).find(|place| place.projection == name);
        tx.clear(place.map(|place| &place.shape), name).await
    }

    /// The checkpoint of each projection. A missing checkpoint is at the start.
    pub(crate) async fn reached(
        &self,
        tx: &mut dyn ViewTransaction,
    ) -> Result<BTreeMap<&'static str, Checkpoint>, StoreError> {
        let checkpoints = tx.checkpoints(&self.names).await?;
        let start = |name| Checkpoint::at(Bookmark::START, self.fingerprint(name));
        let names = self.names.iter().copied().zip(checkpoints);
        Ok(names.map(|(name, checkpoint)| (name, checkpoint.unwrap_or_else(|| start(name)))).collect())
    }

    /// The positions of the projections that follow the log. A parked async projection does not follow it.
    pub(crate) async fn following(
        &self,
        tx: &mut dyn ViewTransaction,
    ) -> Result<Vec<(&'static str, Position)>, StoreError> {
        let reached = self.reached(tx).await?;
        let parked = if self.handles.is_empty() { Vec::new() } else { self.parked(tx).await? };
        let waits = |name: &str| parked.iter().any(|entry| entry.projection == name && entry.key.is_empty());
        let following = reached.into_iter().filter(|(name, _)| !waits(name));
        Ok(following.map(|(name, checkpoint)| (name, checkpoint.position)).collect())
    }

    /// The fingerprint of the shape of a projection's view.
    pub(crate) fn fingerprint(&self, name: &str) -> u64 {
        let entry = self.folds.iter().find(|entry| entry.checkpoint == name);
        entry.map_or(NO_SHAPE, |entry| entry.place.shape.fingerprint)
    }

    /// Returns whether the projection with this checkpoint name is made of fold methods.
    pub(crate) fn folds_into(&self, name: &str) -> bool {
        self.folds.iter().any(|entry| entry.checkpoint == name)
    }

    async fn apply_folds(
        &self,
        tx: &mut dyn ViewTransaction,
        events: &[RecordedEvent],
        reached: &BTreeMap<&'static str, Checkpoint>,
        parked: &ParkedKeys,
    ) -> Result<(), StoreError> {
        let prefetched = self.prefetch(tx, events, reached).await?;
        if prefetched.steps.is_empty() {
            return Ok(());
        }
        let mut overlays = self.fold(prefetched, parked);
        let mut changes = Vec::new();
        for entry in &self.folds {
            let Some(rows) = overlays.get_mut(entry.shape.name) else { continue };
            changes.push((&entry.place.shape, rows.changes()));
        }
        // Write the views that look others up first. So a store without transactions keeps them consistent with their look-ups.
        for (shape, change) in changes.iter().rev() {
            if !change.put.is_empty() || !change.remove.is_empty() {
                tx.write(shape, &change.put, &change.remove).await?;
            }
        }
        let mut newly = Vec::new();
        for entry in &self.folds {
            let parked = overlays.get_mut(entry.shape.name).map(|rows| rows.newly_parked()).unwrap_or_default();
            spans::tell_parked(&parked, events);
            let place = |parked| Parked { projection: entry.place.projection.to_owned(), ..parked };
            newly.extend(parked.into_iter().map(place));
        }
        if !newly.is_empty() {
            tx.park(&newly).await?;
        }
        Ok(())
    }

    /// Collects the rows that the events need, and reads them.
    async fn prefetch<'a>(
        &self,
        tx: &mut dyn ViewTransaction,
        events: &'a [RecordedEvent],
        reached: &BTreeMap<&'static str, Checkpoint>,
    ) -> Result<Prefetched<'a>, StoreError> {
        let mut needs: FastMap<&'static str, Needs> = FastMap::default();
        let looked_up = LookedUp::default();
        let mut steps = Vec::new();
        for event in events {
            for (place, entry) in self.folds.iter().enumerate() {
                let Some(checkpoint) = reached.get(entry.checkpoint) else { continue };
                if event.position() <= checkpoint.position || !entry.events.contains(&event.name()) {
                    continue;
                }
                let needs = needs.entry(entry.shape.name).or_insert_with(|| Needs::of(self.part));
                let routed = entry.fold.route(event, needs, &looked_up);
                steps.push((event, place, routed.err()));
            }
        }
        for (view, key) in looked_up.into_inner() {
            needs.entry(view).or_default().keys.insert(key);
        }
        let mut stocks = FastMap::default();
        for entry in &self.folds {
            let Some(needs) = needs.remove(entry.shape.name) else { continue };
            stocks.insert(entry.shape.name, read(tx, &entry.place.shape, needs).await?);
        }
        Ok(Prefetched { stocks, steps })
    }

    /// Folds the batch in memory.
    fn fold(&self, mut prefetched: Prefetched<'_>, parked: &ParkedKeys) -> Overlays {
        let mut overlays = Overlays::default();
        for entry in &self.folds {
            let Some(stock) = prefetched.stocks.remove(entry.shape.name) else { continue };
            let parked = parked.get(entry.place.projection).cloned().unwrap_or_default();
            overlays.insert(entry.shape.name, entry.fold.overlay(stock, parked, None, self.part));
        }
        for (event, place, unreadable) in prefetched.steps {
            let entry = &self.folds[place];
            // A projection does not look itself up, so its own rows may be taken out here.
            let Some(mut rows) = overlays.remove(entry.shape.name) else { continue };
            let folded = match unreadable {
                Some(error) => Err(error),
                None => entry.fold.fold(event, &overlays, &mut *rows),
            };
            if let Err(error) = folded {
                let keys = keys_of_unreadable(event, entry).into_iter();
                for key in keys.filter(|key| self.part.is_none_or(|part| part.has(key))) {
                    rows.park(key, &error);
                }
            }
            overlays.insert(entry.shape.name, rows);
        }
        overlays
    }
}

/// The keys to park for an event that cannot be read.
///
/// If the view's key is an identifier, they come from the event's tags. Otherwise the event itself is parked by its position,
/// and no key waits behind it.
pub(super) fn keys_of_unreadable(event: &RecordedEvent, entry: &FoldEntry) -> Vec<String> {
    let tags = event.tags().iter().filter(|tag| entry.fold.key_prefix() == Some(tag.prefix()));
    let keys: Vec<String> = tags.map(|tag| tag.id().to_owned()).collect();
    if keys.is_empty() { vec![format!("@{}", event.position())] } else { keys }
}

/// Groups parked keys and their positions by projection.
pub(super) fn by_projection(entries: Vec<Parked>) -> ParkedKeys {
    let mut parked = ParkedKeys::new();
    for entry in entries {
        parked.entry(entry.projection).or_default().insert(entry.key, entry.position);
    }
    parked
}

pub(super) async fn read(tx: &mut dyn ViewTransaction, shape: &ViewShape, needs: Needs) -> Result<Stock, StoreError> {
    let keys: Vec<String> = needs.keys.into_iter().collect();
    let mut rows = if keys.is_empty() { Vec::new() } else { tx.rows(shape, &keys).await? };
    let missing: Vec<String> = {
        let there: FastSet<&String> = rows.iter().map(|row: &Row| &row.key).collect();
        keys.into_iter().filter(|key| !there.contains(key)).collect()
    };
    let removed: Vec<Removed> = if missing.is_empty() { Vec::new() } else { tx.removed(shape, &missing).await? };
    let mut fan_outs: Vec<(&'static str, Vec<Value>)> = Vec::new();
    for (index, value) in needs.fan_outs {
        match fan_outs.iter_mut().find(|(name, _)| *name == index) {
            Some((_, values)) if values.contains(&value) => {}
            Some((_, values)) => values.push(value),
            None => fan_outs.push((index, vec![value])),
        }
    }
    for (index, values) in fan_outs {
        rows.extend(tx.rows_by(shape, index, &values).await?);
    }
    Ok(Stock { rows, removed })
}

/// Runs an async projection's methods. Returns whether it reached the end of the batch.
///
/// The first event is tried for the `attempts`th time.
pub(super) async fn apply_handle(
    entry: &HandleEntry,
    tx: &mut dyn ViewTransaction,
    events: &[RecordedEvent],
    reached: Bookmark,
    attempts: u32,
) -> Result<bool, StoreError> {
    let events =
        events.iter().filter(|event| event.position() > reached.position && entry.events.contains(&event.name()));
    let (mut done, mut attempts) = (reached, attempts);
    for event in events {
        tx.savepoint().await?;
        let handled = unpanicked(entry.handle.handle(event, tx)?).await;
        let handled = handled.unwrap_or_else(|panic| Err(FoldError::at(event, FoldRefusal::Panicked(panic))));
        tx.end_savepoint(handled.is_err()).await?;
        if let Err(error) = handled {
            let parked = Parked {
                projection: entry.name.to_owned(),
                key: String::new(),
                position: event.position(),
                event: event.name().to_owned(),
                error: error.to_string(),
                attempts,
            };
            spans::tell_parked(std::slice::from_ref(&parked), std::slice::from_ref(event));
            tx.park(&[parked]).await?;
            tx.set_checkpoints(&[(entry.name, Checkpoint::at(done, NO_SHAPE))]).await?;
            return Ok(false);
        }
        (done, attempts) = (event.into(), 1);
    }
    Ok(true)
}

/// Sorts projections so that each follows the projections that it looks up.
fn in_order(projections: &[&'static ProjectionInfo]) -> Result<Vec<&'static ProjectionInfo>, String> {
    let mut waiting: Vec<_> = projections.to_vec();
    let mut ordered: Vec<&'static ProjectionInfo> = Vec::new();
    while !waiting.is_empty() {
        let free = |info: &&'static ProjectionInfo| {
            !waiting.iter().any(|other| other.view.is_some_and(|view| info.look_ups.contains(&view.name)))
        };
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.iter().copied().partition(free);
        if ready.is_empty() {
            let names: Vec<_> = rest.iter().map(|info| info.name).collect();
            return Err(format!("[CQRS804] these projections look each other up in a circle: {}", names.join(", ")));
        }
        ordered.extend(ready);
        waiting = rest;
    }
    Ok(ordered)
}
