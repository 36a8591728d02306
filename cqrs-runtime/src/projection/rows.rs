//! The rows of one view while a batch is folded into it, and what a projection's expansion does to them.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::part::Part;
use crate::aggregate::{FoldError, FoldRefusal};
use crate::event::RecordedEvent;
use crate::log::Position;
use crate::sequencer::panic_message;
use crate::value::{Column, Key, Value};
use crate::view::{IndexOf, Parked, Removed, Row, View};

/// A value that names one row of view `V`: its key.
#[diagnostic::on_unimplemented(
    message = "[CQRS504] `{Self}` does not find a row of `{V}`",
    label = "not the key type of `{V}`",
    note = "a fold method changes the row whose key the event names",
    note = "give the event a field of the key's name and type, or say which value is the key: `#[key(expr)]` on the method",
    note = "see: cqrs_runtime::rules#cqrs504"
)]
pub trait FindsRow<V> {
    /// The key's text.
    #[doc(hidden)]
    fn row_key(&self) -> String;
}

#[diagnostic::do_not_recommend]
impl<V: View<Key = K>, K: Key> FindsRow<V> for K {
    fn row_key(&self) -> String {
        self.to_key()
    }
}

/// What an event needs to be there before it can be folded.
#[derive(Default)]
pub(crate) struct Needs {
    /// The only keys that are folded, if not all are.
    part: Option<Part>,
    pub(super) keys: BTreeSet<String>,
    pub(super) fan_outs: Vec<(&'static str, Value)>,
}

impl Needs {
    pub(super) fn of(part: Option<Part>) -> Self {
        Self { part, ..Self::default() }
    }
}

/// Keys of other views that an event looks up.
pub(crate) type LookedUp = RefCell<Vec<(&'static str, String)>>;

/// Every view's rows in a batch, by the view's name.
pub(crate) type Overlays = HashMap<&'static str, Box<dyn AnyOverlay>>;

/// The other views, as they stand at the event that is being folded.
pub struct LookUps<'a>(pub(super) Source<'a>);

pub(crate) enum Source<'a> {
    Route(&'a LookedUp),
    Fold(&'a Overlays),
}

impl LookUps<'_> {
    /// The row of this key in view `W`, if there is one.
    pub fn get<W: View>(&self, key: &impl FindsRow<W>) -> Option<&W> {
        match self.0 {
            Source::Route(looked_up) => {
                looked_up.borrow_mut().push((W::LAYOUT.name, key.row_key()));
                None
            }
            Source::Fold(overlays) => {
                let overlay = overlays.get(W::LAYOUT.name)?.as_any().downcast_ref::<Overlay<W>>()?;
                overlay.rows.get(&key.row_key())?.state.as_ref().ok()?.as_ref()
            }
        }
    }
}

/// The rows of view `V`: what each method of a projection is applied to.
///
/// A row that refuses (its method makes what is there, changes what is not, or panics) is parked; the others go on.
///
/// Of any type, so that a view that is none is refused once, where it is named.
pub struct Rows<'a, V>(pub(super) Work<'a, V>);

pub(crate) enum Work<'a, V> {
    /// Only learn which rows are needed.
    Route(&'a mut Needs),
    /// Run the methods.
    Fold(&'a mut Overlay<V>),
}

impl<V: View> Rows<'_, V> {
    /// `fn created(e: &E) -> Self`
    pub fn create(&mut self, event: &RecordedEvent, key: &impl FindsRow<V>, method: impl FnOnce() -> V) {
        self.one(event, key, |state| match state {
            Some(_) => Err((state, FoldRefusal::AlreadyThere)),
            None => Ok(Some(method())),
        });
    }

    /// `fn shipped(&mut self, e: &E)`
    pub fn change(&mut self, event: &RecordedEvent, key: &impl FindsRow<V>, method: impl FnOnce(&mut V)) {
        self.one(event, key, |state| match state {
            Some(mut state) => {
                method(&mut state);
                Ok(Some(state))
            }
            None => Err((None, FoldRefusal::NotThere)),
        });
    }

    /// `fn sold(this: Option<Self>, e: &E) -> Self`
    pub fn make_or_change(
        &mut self,
        event: &RecordedEvent,
        key: &impl FindsRow<V>,
        method: impl FnOnce(Option<V>) -> V,
    ) {
        self.one(event, key, |state| Ok(Some(method(state))));
    }

    /// `fn closed(self, e: &E) -> Option<Self>`
    pub fn change_or_end(
        &mut self,
        event: &RecordedEvent,
        key: &impl FindsRow<V>,
        method: impl FnOnce(V) -> Option<V>,
    ) {
        self.one(event, key, |state| match state {
            Some(state) => Ok(method(state)),
            None => Err((None, FoldRefusal::NotThere)),
        });
    }

    /// `#[by(..)] fn renamed(&mut self, e: &E)`: every row whose index equals `value`. Parked rows are passed over.
    pub fn change_by<T: Column>(
        &mut self,
        event: &RecordedEvent,
        index: impl IndexOf<V, T>,
        value: &T,
        mut method: impl FnMut(&mut V),
    ) {
        self.change_or_end_by(event, index, value, |mut state| {
            method(&mut state);
            Some(state)
        });
    }

    /// `#[by(..)] fn renamed(self, e: &E) -> Option<Self>`: every row whose index equals `value`. Parked rows are passed over.
    pub fn change_or_end_by<T: Column>(
        &mut self,
        event: &RecordedEvent,
        index: impl IndexOf<V, T>,
        value: &T,
        mut method: impl FnMut(V) -> Option<V>,
    ) {
        let (index, value) = (index.index(), value.to_value());
        match &mut self.0 {
            Work::Route(needs) => needs.fan_outs.push((index.name(), value)),
            Work::Fold(overlay) => {
                for key in overlay.keys_by(index.name(), &value) {
                    overlay.apply(event, key, |state| Ok(state.and_then(&mut method)));
                }
            }
        }
    }

    fn one(&mut self, event: &RecordedEvent, key: &impl FindsRow<V>, method: impl FnOnce(Option<V>) -> Changed<V>) {
        let key = key.row_key();
        match &mut self.0 {
            Work::Route(needs) => {
                if needs.part.is_none_or(|part| part.has(&key)) {
                    needs.keys.insert(key);
                }
            }
            Work::Fold(overlay) => overlay.apply(event, key, method),
        }
    }
}

/// The new state, or the old one and why it stays.
type Changed<V> = Result<Option<V>, (Option<V>, FoldRefusal)>;

/// Parked keys, and the event that each waits at.
pub(crate) type ParkedAt = HashMap<String, Position>;

/// How rows take events that their view has been through already.
#[derive(Clone)]
pub(crate) enum Replayed {
    /// The row of one key, alone: what it refuses parks it again.
    Key(String),
    /// Every row, so that others can look it up: what one refuses was skipped in its time.
    LookedUp,
}

/// What was read for a batch.
#[derive(Default)]
pub(crate) struct Stock {
    pub(super) rows: Vec<Row>,
    pub(super) removed: Vec<Removed>,
}

/// Rows of one view in memory.
pub(crate) struct Overlay<V> {
    projection: &'static str,
    rows: HashMap<String, Slot<V>>,
    parked: ParkedAt,
    replay: Option<Replayed>,
    /// The only keys that are folded, if not all are.
    part: Option<Part>,
    /// Keys to park at an event, learnt from an attempt at this batch that had to be given up.
    forced: HashMap<String, FoldError>,
    newly_parked: Vec<Parked>,
    /// Why this attempt has to be given up: a row's state is lost.
    lost: Option<Lost>,
}

struct Slot<V> {
    /// The state, or why the stored one cannot be read.
    state: Result<Option<V>, String>,
    position: Position,
    /// Every event up to here is in what was stored.
    stored: Position,
    dirty: bool,
}

impl<V> Slot<V> {
    fn empty(position: Position) -> Self {
        Self { state: Ok(None), position, stored: position, dirty: false }
    }
}

impl<V: View> Overlay<V> {
    pub(super) fn new(
        projection: &'static str,
        stock: &Stock,
        parked: ParkedAt,
        forced: HashMap<String, FoldError>,
        replay: Option<Replayed>,
        part: Option<Part>,
    ) -> Self {
        let stored = |row: &Row| Slot {
            state: (V::JSON.read)(&row.document).map(Some).map_err(|error| error.to_string()),
            position: row.position,
            stored: row.position,
            dirty: false,
        };
        let removed = |removed: &Removed| Slot::empty(removed.position);
        // A fan-out has read the rows of all.
        let own = |row: &&Row| part.is_none_or(|part| part.has(&row.key));
        let rows = stock.rows.iter().filter(own).map(|row| (row.key.clone(), stored(row)));
        let removed = stock.removed.iter().map(|row| (row.key.clone(), removed(row)));
        let rows = removed.chain(rows).collect();
        Self { projection, rows, parked, replay, part, forced, newly_parked: Vec::new(), lost: None }
    }

    fn apply(&mut self, event: &RecordedEvent, key: String, method: impl FnOnce(Option<V>) -> Changed<V>) {
        let waits = self.parked.get(&key).is_some_and(|at| *at <= event.position());
        let is_other = matches!(&self.replay, Some(Replayed::Key(only)) if *only != key);
        let is_foreign = self.part.is_some_and(|part| !part.has(&key));
        if self.lost.is_some() || waits || is_other || is_foreign {
            return;
        }
        let slot = self.rows.entry(key.clone()).or_insert_with(|| Slot::empty(Position::START));
        if slot.stored >= event.position() {
            // A store without transactions has it already, from an attempt that did not come to its end.
            return;
        }
        if let Some(error) = self.forced.get(&key).filter(|error| error.position <= event.position()).cloned() {
            self.park(key, &error);
            return;
        }
        // In a replay there is no second attempt.
        let state = self.replay.as_ref().and_then(|_| slot.state.as_ref().ok());
        let copy = state.map(|state| state.as_ref().map(V::JSON.write).transpose());
        let before = match &mut slot.state {
            Ok(state) => state.take(),
            Err(reason) => {
                let refusal = FoldRefusal::Failed(format!("the stored view does not fit its type: {reason}"));
                let error = FoldError::at(event, refusal);
                self.park(key, &error);
                return;
            }
        };
        let changed = catch_unwind(AssertUnwindSafe(|| method(before)));
        let refusal = match changed {
            Ok(Ok(after)) => {
                let made = after.as_ref().map(|view| view.key().to_key());
                match made.filter(|made| *made != key) {
                    None => {
                        slot.state = Ok(after);
                        slot.position = event.position();
                        slot.dirty = true;
                        return;
                    }
                    Some(made) => FoldRefusal::OtherKey { routed: key.clone(), made },
                }
            }
            Ok(Err((before, refusal))) => {
                slot.state = Ok(before);
                let error = FoldError::at(event, refusal);
                self.park(key, &error);
                return;
            }
            Err(panic) => FoldRefusal::Panicked(panic_message(&*panic)),
        };
        let error = FoldError::at(event, refusal);
        if let Some(copy) = copy {
            slot.state =
                copy.and_then(|copy| copy.as_deref().map(V::JSON.read).transpose()).map_err(|error| error.to_string());
            self.park(key, &error);
        } else {
            // The state from before is gone: only another attempt, with this key parked in time, can have it.
            self.lost = Some((key, error));
        }
    }

    fn keys_by(&self, index: &str, value: &Value) -> Vec<String> {
        let place = V::LAYOUT.indexes.iter().position(|shape| shape.name == index);
        let matches = |slot: &Slot<V>| match (&slot.state, place) {
            (Ok(Some(view)), Some(place)) => view.index_values().get(place) == Some(value),
            _ => false,
        };
        let mut keys: Vec<String> =
            self.rows.iter().filter(|(_, slot)| matches(slot)).map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys
    }
}

/// [`Overlay`], its view's type forgotten.
pub(crate) trait AnyOverlay: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    /// Makes a key wait from this event on.
    fn park(&mut self, key: String, error: &FoldError);
    /// Why this attempt has to be given up.
    fn lost(&self) -> Option<Lost>;
    /// What to write, or the row that cannot be written.
    fn changes(&self) -> Result<Changes, Box<Lost>>;
    fn newly_parked(&mut self) -> Vec<Parked>;
}

/// A row whose state is lost, and why: another attempt at the batch has to park its key in time.
pub(crate) type Lost = (String, FoldError);

/// What a batch does to one view's rows.
#[derive(Default)]
pub(crate) struct Changes {
    pub(super) put: Vec<Row>,
    pub(super) remove: Vec<Removed>,
}

impl<V: View> AnyOverlay for Overlay<V> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn park(&mut self, key: String, error: &FoldError) {
        if matches!(self.replay, Some(Replayed::LookedUp)) {
            return;
        }
        if !self.parked.contains_key(&key) {
            self.parked.insert(key.clone(), error.position);
            self.newly_parked.push(Parked {
                projection: self.projection.to_owned(),
                key,
                position: error.position,
                event: error.event.clone(),
                error: error.to_string(),
                attempts: 1,
            });
        }
    }

    fn lost(&self) -> Option<Lost> {
        self.lost.clone()
    }

    fn changes(&self) -> Result<Changes, Box<Lost>> {
        let mut changes = Changes::default();
        for (key, slot) in self.rows.iter().filter(|(_, slot)| slot.dirty) {
            match &slot.state {
                Ok(Some(view)) => {
                    let document = (V::JSON.write)(view).map_err(|error| {
                        let reason = FoldRefusal::Failed(format!("the view cannot be written as JSON: {error}"));
                        let event = V::LAYOUT.name.to_owned();
                        Box::new((key.clone(), FoldError { event, position: slot.position, reason }))
                    })?;
                    changes.put.push(Row {
                        key: key.clone(),
                        indexes: view.index_values(),
                        document: document.into(),
                        position: slot.position,
                    });
                }
                // Even where there is none: a runner that was taken over may be about to write one of an older position.
                _ => changes.remove.push(Removed { key: key.clone(), position: slot.position }),
            }
        }
        Ok(changes)
    }

    fn newly_parked(&mut self) -> Vec<Parked> {
        std::mem::take(&mut self.newly_parked)
    }
}
