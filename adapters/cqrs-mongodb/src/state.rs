//! The state document: the collections of views, progress of projections, leases, and parked keys.
//!
//! It changes in one step: it is read, changed, and replaced if no other process has changed it.

use std::collections::HashMap;
use std::time::Duration;

use cqrs_core::Uuid;
use cqrs_core::view::buffer::{Cleared, Collected, Parking};
use cqrs_core::view::{self, Generation, Lease, Removal, ViewShape};
use mongodb::bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::row;

/// The key of the document.
pub(crate) const STATE: &str = "state";

/// How long a process may stall between checking its lease and writing a row. Marks of removed rows
/// are kept for at least this long, and a dropped collection is dropped again after it.
pub(crate) const STRAGGLING: Duration = Duration::from_secs(24 * 60 * 60);

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    #[serde(rename = "_id")]
    id: String,
    /// Grows with each change, and is never less than the time in milliseconds: so it stays unique
    /// even if all data is lost.
    pub(crate) number: i64,
    views: Vec<View>,
    /// Collections that are being filled.
    pending: Vec<Pending>,
    /// Collections that no view reads any more.
    garbage: Vec<Garbage>,
    checkpoints: Vec<Checkpoint>,
    parked: Vec<Parked>,
    leases: Vec<StoredLease>,
    /// The server's time when this was read.
    #[serde(skip_serializing)]
    pub(crate) now: DateTime,
}

/// The collection of a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct View {
    name: String,
    pub(crate) collection: String,
    fingerprint: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pending {
    view: String,
    collection: String,
}

/// An unused collection. It is dropped when it is due, and again after stalled processes may have
/// written to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Garbage {
    collection: String,
    due: DateTime,
    dropped: bool,
}

/// The checkpoint of a projection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    projection: String,
    position: i64,
    fingerprint: String,
    /// The id of the event at the position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StoredLease {
    projection: String,
    owner: String,
    token: i64,
    until: DateTime,
    /// How long it lasts, in milliseconds. Older versions did not store it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<i64>,
}

impl StoredLease {
    /// Whether the lease has not run out. It is trusted for no longer than its own length, plus a
    /// second for small clock corrections.
    fn lasts(&self, now: DateTime, length: Option<i64>) -> bool {
        let left = self.until.timestamp_millis().saturating_sub(now.timestamp_millis());
        let most = self.length.or(length).map_or(i64::MAX, |length| length.saturating_add(1_000));
        left > 0 && left <= most
    }
}

/// A parked key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parked {
    projection: String,
    key: String,
    position: i64,
    event: String,
    error: String,
    attempts: i64,
}

/// Why a change is refused.
#[derive(Debug, PartialEq)]
pub(crate) enum Refused {
    /// The lease of this projection is not the newest.
    Lost(&'static str),
    /// This view has another collection or another shape.
    OtherShape(&'static str),
}

/// A fingerprint as 16 digits.
fn fingerprint(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

impl View {
    /// Whether it has this shape.
    pub(crate) fn is_of(&self, shape: &ViewShape) -> bool {
        self.name == shape.name && self.fingerprint == fingerprint(shape.fingerprint)
    }
}

impl Checkpoint {
    fn new(projection: &str, checkpoint: &view::Checkpoint) -> Self {
        Self {
            projection: projection.to_owned(),
            position: row::position(checkpoint.position),
            fingerprint: fingerprint(checkpoint.fingerprint),
            event: checkpoint.event.map(|event| event.simple().to_string()),
        }
    }

    /// Decodes the checkpoint.
    pub(crate) fn decoded(&self) -> Option<view::Checkpoint> {
        let fingerprint = u64::from_str_radix(&self.fingerprint, 16).ok()?;
        let event = self.event.as_ref().map(|event| Uuid::parse_str(event)).transpose().ok()?;
        Some(view::Checkpoint { position: row::decoded_position(self.position)?, event, fingerprint })
    }

    pub(crate) fn is_of(&self, projection: &str) -> bool {
        self.projection == projection
    }
}

impl Parked {
    fn new(parked: &view::Parked) -> Self {
        Self {
            projection: parked.projection.clone(),
            key: parked.key.clone(),
            position: row::position(parked.position),
            event: parked.event.clone(),
            error: parked.error.clone(),
            attempts: parked.attempts.into(),
        }
    }

    /// Decodes the parked key.
    pub(crate) fn decoded(self) -> Option<view::Parked> {
        Some(view::Parked {
            projection: self.projection,
            key: self.key,
            position: row::decoded_position(self.position)?,
            event: self.event,
            error: self.error,
            attempts: self.attempts.try_into().ok()?,
        })
    }
}

/// Adds a duration to a time.
pub(crate) fn later(time: DateTime, by: Duration) -> DateTime {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    DateTime::from_millis(time.timestamp_millis().saturating_add(by))
}

impl State {
    /// The state of an empty database.
    pub(crate) fn empty(now: DateTime) -> Self {
        Self {
            id: STATE.to_owned(),
            number: 0,
            views: Vec::new(),
            pending: Vec::new(),
            garbage: Vec::new(),
            checkpoints: Vec::new(),
            parked: Vec::new(),
            leases: Vec::new(),
            now,
        }
    }

    /// Increases the number, before a change.
    pub(crate) fn count(&mut self) {
        self.number = (self.number + 1).max(self.now.timestamp_millis());
    }

    // ---- leases -----------------------------------------------------------------------------------------------------------

    /// Gives the lease on a projection to `owner`, unless another owner holds it.
    pub(crate) fn lease(&mut self, projection: &'static str, owner: &str, time: Duration) -> Option<Lease> {
        let held = self.leases.iter().find(|held| held.projection == projection);
        let is_own = held.is_some_and(|held| held.owner == owner);
        let length = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        if held.is_some_and(|held| !is_own && held.lasts(self.now, Some(length))) {
            return None;
        }
        let token = held.filter(|_| is_own).map_or(self.number, |held| held.token);
        self.leases.retain(|held| held.projection != projection);
        let until = later(self.now, time);
        let (projection_name, owner) = (projection.to_owned(), owner.to_owned());
        self.leases.push(StoredLease { projection: projection_name, owner, token, until, length: Some(length) });
        Some(Lease { projection, token: token.cast_unsigned() })
    }

    fn held(&self, lease: &Lease) -> Option<&StoredLease> {
        self.leases.iter().find(|held| held.projection == lease.projection && held.token.cast_unsigned() == lease.token)
    }

    /// The owner that holds the lease on a projection.
    pub(crate) fn holder(&self, projection: &str) -> Option<&str> {
        let held = self.leases.iter().find(|held| held.projection == projection && held.lasts(self.now, None));
        held.map(|held| held.owner.as_str())
    }

    /// Ends leases, if they are still the newest.
    pub(crate) fn release(&mut self, leases: &[Lease]) {
        for lease in leases.iter().filter(|lease| self.held(lease).is_some()).collect::<Vec<_>>() {
            for held in self.leases.iter_mut().filter(|held| held.projection == lease.projection) {
                held.until = self.now;
            }
        }
    }

    /// Refuses leases that are not the newest.
    pub(crate) fn check(&self, leases: &[Lease]) -> Result<(), Refused> {
        let lost = leases.iter().find(|lease| self.held(lease).is_none());
        lost.map_or(Ok(()), |lease| Err(Refused::Lost(lease.projection)))
    }

    /// When a mark that is written now under these leases may be deleted.
    pub(crate) fn forget_at(&self, leases: &[Lease]) -> DateTime {
        let ends = leases.iter().filter_map(|lease| self.held(lease)).map(|held| held.until);
        later(ends.fold(self.now, DateTime::max), STRAGGLING)
    }

    /// How long ago each lease ran out.
    pub(crate) fn idle(&self) -> Vec<(String, Duration)> {
        let since = |held: &StoredLease| self.now.timestamp_millis().saturating_sub(held.until.timestamp_millis());
        let idle = |held: &StoredLease| Duration::from_millis(u64::try_from(since(held)).unwrap_or_default());
        self.leases.iter().map(|held| (held.projection.clone(), idle(held))).collect()
    }

    // ---- contents -----------------------------------------------------------------------------------------------------------

    /// All views and their collections.
    pub(crate) fn views(&self) -> Vec<(String, String)> {
        self.views.iter().map(|view| (view.name.clone(), view.collection.clone())).collect()
    }

    /// All checkpoints, by projection.
    pub(crate) fn checkpoints(&self) -> Vec<(String, Option<view::Checkpoint>)> {
        self.checkpoints.iter().map(|checkpoint| (checkpoint.projection.clone(), checkpoint.decoded())).collect()
    }

    /// Removes views and projections. Returns `false`, and removes nothing, if the lease `mark` is
    /// held or ran out less than `unused` ago.
    pub(crate) fn remove(&mut self, removal: &Removal, mark: &str, unused: Duration) -> bool {
        let unused = i64::try_from(unused.as_millis()).unwrap_or(i64::MAX);
        let since = |held: &StoredLease| self.now.timestamp_millis().saturating_sub(held.until.timestamp_millis());
        if self.leases.iter().any(|held| held.projection == mark && since(held) < unused) {
            return false;
        }
        for view in &removal.views {
            if let Some(collection) = self.take_view(view) {
                self.discard(collection);
            }
            self.discard_pending(view);
        }
        self.checkpoints.retain(|checkpoint| !removal.projections.contains(&checkpoint.projection));
        self.parked.retain(|parked| !removal.projections.contains(&parked.projection));
        self.leases.retain(|held| held.projection != mark);
        true
    }

    // ---- views ------------------------------------------------------------------------------------------------------------

    /// The collection of a view, if it has this shape.
    pub(crate) fn collection(&self, shape: &ViewShape) -> Option<&str> {
        self.views.iter().find(|view| view.is_of(shape)).map(|view| view.collection.as_str())
    }

    /// Records an empty collection for a view, and discards an earlier one.
    pub(crate) fn new_pending(&mut self, shape: &ViewShape, collection: &str) {
        self.discard_pending(shape.name);
        self.pending.push(Pending { view: shape.name.to_owned(), collection: collection.to_owned() });
    }

    fn is_pending(&self, shape: &ViewShape, collection: &str) -> bool {
        self.pending.iter().any(|pending| pending.view == shape.name && pending.collection == collection)
    }

    fn discard_pending(&mut self, view: &str) {
        let (gone, left) = self.pending.drain(..).partition::<Vec<_>, _>(|pending| pending.view == view);
        self.pending = left;
        for pending in gone {
            self.discard(pending.collection);
        }
    }

    fn discard(&mut self, collection: String) {
        self.garbage.push(Garbage { collection, due: self.now, dropped: false });
    }

    /// Removes a view, and returns its collection.
    fn take_view(&mut self, view: &str) -> Option<String> {
        let place = self.views.iter().position(|known| known.name == view)?;
        Some(self.views.swap_remove(place).collection)
    }

    /// Sets a view's collection, and discards its old one.
    fn settle(&mut self, shape: &ViewShape, collection: String) {
        if let Some(old) = self.take_view(shape.name) {
            self.discard(old);
        }
        let fingerprint = fingerprint(shape.fingerprint);
        self.views.push(View { name: shape.name.to_owned(), collection, fingerprint });
    }

    /// Makes a prepared empty collection the view's, and removes all checkpoints for rows of its
    /// shape.
    pub(crate) fn settle_empty(&mut self, shape: &ViewShape, collection: &str) -> Result<(), Refused> {
        if !self.is_pending(shape, collection) {
            return Err(Refused::OtherShape(shape.name));
        }
        self.pending.retain(|pending| pending.collection != collection);
        self.settle(shape, collection.to_owned());
        let claimed = fingerprint(shape.fingerprint);
        self.checkpoints.retain(|checkpoint| checkpoint.fingerprint != claimed);
        Ok(())
    }

    /// The collections to drop now.
    pub(crate) fn due(&self) -> Vec<String> {
        self.garbage
            .iter()
            .filter(|garbage| garbage.due <= self.now)
            .map(|garbage| garbage.collection.clone())
            .collect()
    }

    /// Records that these collections were dropped.
    pub(crate) fn dropped(&mut self, collections: &[String]) {
        let again = later(self.now, STRAGGLING);
        self.garbage.retain_mut(|garbage| {
            if !collections.contains(&garbage.collection) || garbage.due > self.now {
                return true;
            }
            let is_first = !garbage.dropped;
            (garbage.due, garbage.dropped) = (again, true);
            is_first
        });
    }

    // ---- commits ----------------------------------------------------------------------------------------------------------

    /// The position that all projections of this shape have reached.
    pub(crate) fn passed(&self, shape: &ViewShape) -> Option<i64> {
        let claimed = fingerprint(shape.fingerprint);
        let of_shape = self.checkpoints.iter().filter(|checkpoint| checkpoint.fingerprint == claimed);
        of_shape.map(|checkpoint| checkpoint.position).min()
    }

    /// Finishes a transaction. `places` has the collections that it wrote to: for a cleared view, a
    /// new one, which becomes the view's.
    pub(crate) fn finish(&mut self, leases: &[Lease], collected: &Collected, places: &Places) -> Result<(), Refused> {
        self.check(leases)?;
        for (shape, collection) in places.written.values() {
            if self.collection(shape) != Some(collection) {
                return Err(Refused::OtherShape(shape.name));
            }
        }
        for (shape, collection) in places.emptied.values() {
            self.settle_empty(shape, collection)?;
        }
        for Cleared { projection, .. } in &collected.cleared {
            self.checkpoints.retain(|checkpoint| checkpoint.projection != *projection);
            self.parked.retain(|parked| parked.projection != *projection);
        }
        for parking in &collected.parking {
            let (projection, key) = match parking {
                Parking::Park(parked) => (&parked.projection, &parked.key),
                Parking::Unpark { projection, key } => (projection, key),
            };
            self.parked.retain(|old| (&old.projection, &old.key) != (projection, key));
            if let Parking::Park(parked) = parking {
                self.parked.push(Parked::new(parked));
            }
        }
        for (projection, checkpoint) in &collected.checkpoints {
            self.checkpoints.retain(|old| old.projection != *projection);
            self.checkpoints.push(Checkpoint::new(projection, checkpoint));
        }
        for (live, next) in &collected.replaced {
            self.replace(live, next);
        }
        Ok(())
    }

    fn replace(&mut self, live: &Generation, next: &Generation) {
        if let Some(collection) = self.take_view(next.shape.name) {
            self.settle(&live.shape, collection);
        }
        self.discard_pending(next.shape.name);
        self.checkpoints.retain(|checkpoint| checkpoint.projection != live.projection);
        for checkpoint in self.checkpoints.iter_mut().filter(|checkpoint| checkpoint.projection == next.projection) {
            live.projection.clone_into(&mut checkpoint.projection);
            checkpoint.fingerprint = fingerprint(live.shape.fingerprint);
        }
        self.parked.retain(|parked| parked.projection != live.projection);
        for parked in self.parked.iter_mut().filter(|parked| parked.projection == next.projection) {
            live.projection.clone_into(&mut parked.projection);
        }
    }
}

/// The collections that a transaction writes to, by view.
#[derive(Default)]
pub(crate) struct Places {
    /// Collections of views.
    pub(crate) written: HashMap<&'static str, (ViewShape, String)>,
    /// New collections of cleared views.
    pub(crate) emptied: HashMap<&'static str, (ViewShape, String)>,
}

impl Places {
    /// The collection for rows of a view.
    pub(crate) fn of(&self, view: &str) -> Option<&str> {
        let place = self.emptied.get(view).or_else(|| self.written.get(view));
        place.map(|(_, collection)| collection.as_str())
    }
}

#[cfg(test)]
mod tests {
    use cqrs_core::log::Position;

    use super::*;

    const SHAPE: ViewShape =
        ViewShape { name: "Items", key: "item", indexes: &[], multi_indexes: &[], compounds: &[], fingerprint: 7 };
    const HOUR: Duration = Duration::from_secs(3_600);

    fn state(now: i64) -> State {
        let mut state = State::empty(DateTime::from_millis(now));
        state.count();
        state
    }

    fn pass(state: &mut State, time: Duration) {
        state.now = later(state.now, time);
        state.count();
    }

    #[test]
    fn numbers_grow_with_the_clock_and_without() {
        let mut state = state(1_000);
        assert_eq!(state.number, 1_000);
        state.count();
        assert_eq!(state.number, 1_001);
        state.now = DateTime::from_millis(500);
        state.count();
        assert_eq!(state.number, 1_002, "a clock that is set back changes nothing");
    }

    #[test]
    fn a_lease_holds_until_it_runs_out() {
        let mut state = state(1_000);
        let first = state.lease("Items", "me", HOUR).unwrap();
        pass(&mut state, Duration::from_millis(3_599_999));
        assert_eq!(state.lease("Items", "you", HOUR), None);
        pass(&mut state, Duration::from_millis(1));
        assert_eq!(
            state.check(std::slice::from_ref(&first)),
            Ok(()),
            "a lease that has run out stays valid until another process acquires it"
        );
        let second = state.lease("Items", "you", HOUR).unwrap();
        assert!(second.token > first.token);
        assert_eq!(state.check(&[second.clone(), first]), Err(Refused::Lost("Items")));
        assert_eq!(state.forget_at(&[second]), later(later(state.now, HOUR), STRAGGLING));
        assert_eq!(state.forget_at(&[]), later(state.now, STRAGGLING));
    }

    #[test]
    fn a_lease_is_trusted_no_longer_than_its_own_length() {
        let mut state = state(10_000_000);
        state.lease("Items", "me", HOUR).unwrap();
        state.now = DateTime::from_millis(10_000_000 - 1_000);
        assert_eq!(
            (state.lease("Items", "you", HOUR), state.holder("Items")),
            (None, Some("me")),
            "a small clock correction"
        );
        state.now = DateTime::from_millis(10_000_000 - 1_001);
        assert_eq!(state.holder("Items"), None, "another clock");
        assert!(state.lease("Items", "you", HOUR).is_some());
        assert_eq!(state.holder("Items"), Some("you"));
    }

    #[test]
    fn a_discarded_collection_is_dropped_twice() {
        let mut state = state(1_000);
        state.new_pending(&SHAPE, "a");
        state.settle_empty(&SHAPE, "a").unwrap();
        state.new_pending(&SHAPE, "b");
        assert_eq!(
            state.settle_empty(&SHAPE, "c"),
            Err(Refused::OtherShape("Items")),
            "another collection was recorded"
        );
        state.settle_empty(&SHAPE, "b").unwrap();
        assert_eq!(state.collection(&SHAPE), Some("b"));
        let due = state.due();
        assert_eq!(due, ["a"]);
        state.dropped(&due);
        assert_eq!(state.due(), [""; 0]);
        state.dropped(&due);
        assert_eq!(state.garbage.len(), 1, "another process dropped it at the same time");
        pass(&mut state, STRAGGLING);
        assert_eq!(state.due(), ["a"]);
        state.dropped(&due);
        assert_eq!(state.garbage, []);
    }

    #[test]
    fn a_process_that_lost_its_lease_while_writing_commits_nothing() {
        let mut state = state(1_000);
        let first = state.lease("Items", "me", Duration::ZERO).unwrap();
        let at = view::Checkpoint { position: Position::new(1), event: None, fingerprint: 7 };
        let collected = Collected { checkpoints: [("Items", at)].into(), ..Collected::default() };
        pass(&mut state, HOUR);
        let second = state.lease("Items", "you", HOUR).unwrap();
        assert_eq!(state.finish(&[first], &collected, &Places::default()), Err(Refused::Lost("Items")));
        assert_eq!(state.checkpoints, []);
        assert_eq!(state.finish(&[second], &collected, &Places::default()), Ok(()));
        assert_eq!(state.checkpoints, [Checkpoint::new("Items", &at)]);
    }

    #[test]
    fn rows_in_an_outdated_collection_cannot_be_committed() {
        let mut state = state(1_000);
        for collection in ["a", "b"] {
            state.new_pending(&SHAPE, collection);
            state.settle_empty(&SHAPE, collection).unwrap();
        }
        let written = |collection: &str| Places {
            written: [(SHAPE.name, (SHAPE, collection.to_owned()))].into(),
            ..Places::default()
        };
        let nothing = Collected::default();
        assert_eq!(state.finish(&[], &nothing, &written("a")), Err(Refused::OtherShape("Items")));
        assert_eq!(state.finish(&[], &nothing, &written("b")), Ok(()));
        let emptied = Places { emptied: written("c").written, ..Places::default() };
        assert_eq!(
            state.finish(&[], &nothing, &emptied),
            Err(Refused::OtherShape("Items")),
            "another process cleared it too"
        );
    }

    #[test]
    fn checkpoints_come_back() {
        let position = Position::new(i64::MAX.cast_unsigned());
        for event in [None, Some(Uuid::max())] {
            let greatest = view::Checkpoint { position, event, fingerprint: u64::MAX };
            assert_eq!(Checkpoint::new("Items", &greatest).decoded(), Some(greatest));
        }
    }
}
