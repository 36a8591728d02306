//! The rows of one view while a batch is folded into it, and the calls that a projection's expansion makes on them.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::partition::Partition;
use crate::fast_map::FastMap;
use crate::model::aggregate::{FoldError, FoldRefusal};
use cqrs_core::column::{Column, Key, Value};
use cqrs_core::debug::opaque_debug;
use cqrs_core::event::RecordedEvent;
use cqrs_core::panics::panic_message;
use cqrs_core::position::Position;
use cqrs_core::view::{IndexOf, Parked, Removed, Row, View};

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
impl<V: View<Key = K>, K> FindsRow<V> for K {
    fn row_key(&self) -> String {
        V::key_text(self)
    }
}

/// The rows that must be read before an event can be folded.
#[derive(Default)]
pub(crate) struct Needs {
    /// Folds only the keys of this partition, if there is one.
    part: Option<Partition>,
    pub(super) keys: BTreeSet<String>,
    pub(super) fan_outs: Vec<(&'static str, Value)>,
}

impl Needs {
    pub(super) fn of(part: Option<Partition>) -> Self {
        Self { part, ..Self::default() }
    }
}

/// Keys of other views that an event looks up.
pub(crate) type LookedUp = RefCell<Vec<(&'static str, String)>>;

/// Every view's rows in a batch, by the view's name.
pub(crate) type Overlays = FastMap<&'static str, Box<dyn AnyOverlay>>;

/// The other views, as of the event that is being folded.
pub struct LookUps<'a>(pub(super) Source<'a>);

opaque_debug!(LookUps<'_>);

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

/// The rows of view `V`, to which the methods of a projection are applied.
///
/// A row is parked if its method fails: it creates an existing row, changes a missing row, or panics. The other rows go on.
///
/// `V` has no bound here, so that a type that is not a view is one error, where it is named.
pub struct Rows<'a, V>(pub(super) Work<'a, V>);

opaque_debug!([V] Rows<'_, V>);

pub(crate) enum Work<'a, V> {
    /// Only collect which rows are needed.
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

    /// `#[by(..)] fn renamed(&mut self, e: &E)`: every row whose index equals `value`. Parked rows are skipped.
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

    /// `#[by(..)] fn renamed(self, e: &E) -> Option<Self>`: every row whose index equals `value`. Parked rows are skipped.
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

/// Parked keys, each with the position of the event at which it is parked.
pub(crate) type ParkedAt = HashMap<String, Position>;

/// How rows handle events that their view has already processed.
#[derive(Clone)]
pub(crate) enum Replayed {
    /// Only the row of this key. A failure parks it again.
    Key(String),
    /// Every row, so that others can look it up. A failure was skipped when the event was first processed.
    LookedUp,
}

/// The rows that were read for a batch.
#[derive(Default)]
pub(crate) struct Stock {
    pub(super) rows: Vec<Row>,
    pub(super) removed: Vec<Removed>,
}

/// Rows of one view in memory.
pub(crate) struct Overlay<V> {
    projection: &'static str,
    rows: FastMap<String, Slot<V>>,
    parked: ParkedAt,
    replay: Option<Replayed>,
    /// Folds only the keys of this partition, if there is one.
    part: Option<Partition>,
    newly_parked: Vec<Parked>,
}

/// A row. The result of a method is serialized and read back at once. So the next method sees the same value as if another
/// process folded it in another batch.
struct Slot<V> {
    /// The state as it was read, or why it cannot be read.
    state: Result<Option<V>, String>,
    /// Its JSON, if there is a row.
    document: Option<Box<str>>,
    position: Position,
    /// The stored row includes every event up to here.
    stored: Position,
    dirty: bool,
}

impl<V> Slot<V> {
    fn empty(position: Position) -> Self {
        Self { state: Ok(None), document: None, position, stored: position, dirty: false }
    }
}

impl<V: View> Overlay<V> {
    pub(super) fn new(
        projection: &'static str,
        stock: Stock,
        parked: ParkedAt,
        replay: Option<Replayed>,
        part: Option<Partition>,
    ) -> Self {
        let stored = |row: Row| {
            let state = (V::JSON.read)(&row.document).map(Some).map_err(|error| error.to_string());
            let (document, position) = (Some(row.document), row.position);
            (row.key, Slot { state, document, position, stored: position, dirty: false })
        };
        // A fan-out has read the rows of all partitions.
        let own = |row: &Row| part.is_none_or(|part| part.has(&row.key));
        let removed = stock.removed.into_iter().map(|row| (row.key, Slot::empty(row.position)));
        let rows = removed.chain(stock.rows.into_iter().filter(own).map(stored)).collect();
        Self { projection, rows, parked, replay, part, newly_parked: Vec::new() }
    }

    fn apply(&mut self, event: &RecordedEvent, key: String, method: impl FnOnce(Option<V>) -> Changed<V>) {
        let waits = self.parked.get(&key).is_some_and(|at| *at <= event.position());
        let is_other = matches!(&self.replay, Some(Replayed::Key(only)) if *only != key);
        let is_foreign = self.part.is_some_and(|part| !part.has(&key));
        if waits || is_other || is_foreign {
            return;
        }
        let slot = self.rows.entry(key.clone()).or_insert_with(|| Slot::empty(Position::START));
        if slot.stored >= event.position() {
            // A store without transactions already has this event, from an attempt that was interrupted.
            return;
        }
        let before = match &mut slot.state {
            Ok(state) => state.take(),
            Err(reason) => {
                let refusal = FoldRefusal::Failed(format!("the stored view does not fit its type: {reason}"));
                let error = FoldError::at(event, refusal);
                self.park(key, &error);
                return;
            }
        };
        let refusal = match catch_unwind(AssertUnwindSafe(|| method(before))) {
            Ok(Ok(after)) => match kept(&key, after) {
                Ok((state, document)) => {
                    (slot.state, slot.document) = (Ok(state), document);
                    (slot.position, slot.dirty) = (event.position(), true);
                    return;
                }
                Err(refusal) => refusal,
            },
            Ok(Err((before, refusal))) => {
                slot.state = Ok(before);
                let error = FoldError::at(event, refusal);
                self.park(key, &error);
                return;
            }
            Err(panic) => FoldRefusal::Panicked(panic_message(&*panic)),
        };
        // The method consumed the previous state, but its JSON is still here.
        let before = slot.document.as_deref().map(V::JSON.read).transpose();
        slot.state = before.map_err(|error| error.to_string());
        let error = FoldError::at(event, refusal);
        self.park(key, &error);
    }

    fn keys_by(&self, index: &str, value: &Value) -> Vec<String> {
        let shape = V::LAYOUT.shape(0);
        let has = |view: &V| match (shape.multi_index(index), shape.index(index)) {
            (Some(place), _) => view.multi_values().get(place).is_some_and(|values| values.contains(value)),
            (None, Ok(place)) => view.index_values().get(place) == Some(value),
            (None, Err(_)) => false,
        };
        let matches = |slot: &Slot<V>| matches!(&slot.state, Ok(Some(view)) if has(view));
        let mut keys: Vec<String> =
            self.rows.iter().filter(|(_, slot)| matches(slot)).map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys
    }
}

/// Returns the row of a key as later readers will see it, and its JSON.
fn kept<V: View>(key: &str, made: Option<V>) -> Result<(Option<V>, Option<Box<str>>), FoldRefusal> {
    let Some(made) = made else { return Ok((None, None)) };
    let (document, kept) =
        V::JSON.keep(&made).map_err(|error| FoldRefusal::Failed(format!("its row cannot be stored: {error}")))?;
    let made = kept.key().to_key();
    if made != key {
        return Err(FoldRefusal::OtherKey { routed: key.to_owned(), made });
    }
    Ok((Some(kept), Some(document.into())))
}

/// Type-erased [`Overlay`].
pub(crate) trait AnyOverlay: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    /// Parks a key at this event.
    fn park(&mut self, key: String, error: &FoldError);
    /// Returns the rows to write. Nothing is folded afterwards.
    fn changes(&mut self) -> Changes;
    fn newly_parked(&mut self) -> Vec<Parked>;
}

/// The changes that a batch makes to one view's rows.
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

    fn changes(&mut self) -> Changes {
        let mut changes = Changes::default();
        for (key, slot) in self.rows.drain().filter(|(_, slot)| slot.dirty) {
            let position = slot.position;
            match (slot.state, slot.document) {
                (Ok(Some(view)), Some(document)) => {
                    let (indexes, multi_values) = (view.index_values(), view.multi_values());
                    changes.put.push(Row { key, indexes, multi_values, document, position });
                }
                // Even if there is no row: a runner that has lost its lease may be about to write one with an older position.
                _ => changes.remove.push(Removed { key, position }),
            }
        }
        changes
    }

    fn newly_parked(&mut self) -> Vec<Parked> {
        std::mem::take(&mut self.newly_parked)
    }
}
