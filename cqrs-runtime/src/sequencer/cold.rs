//! Loads cold aggregates, in their callers' tasks, before their commands are queued.
//!
//! Loads run concurrently and outside the log's lock, so a load that is large, slow or impossible delays only its own command.
//! Callers that need the same aggregate at the same time share one load. A loaded aggregate travels with a command to the
//! sequencer, which caches it and reads only what was appended in between.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch};
use tracing::Instrument;

use super::cache::Key;
use super::cached::Entry;
use super::load::{Source, load, load_small};
use super::snapshots::SnapshotWriter;
use super::timeout::StoreTimeout;
use super::warm::Warm;
use crate::model::aggregate::slot::AggregateSlot;
use crate::telemetry::{Recorder, spans};
use cqrs_core::log::EventLog;
use cqrs_core::position::Bookmark;
use cqrs_core::store_error::StoreError;

/// How many loads may read at the same time.
const MOST_AT_ONCE: usize = 64;

/// Loads cold aggregates.
pub(super) struct Loader {
    log: Arc<dyn EventLog>,
    snapshots: Arc<SnapshotWriter>,
    recorder: Recorder,
    timeout: StoreTimeout,
    reading: Semaphore,
    /// One permit for each aggregate that is being loaded, or is loaded and not yet in the sequencer's cache.
    places: Arc<Semaphore>,
    most_places: usize,
    /// The loads that other callers may join.
    shared: Mutex<HashMap<Key, Weak<Load>>>,
    /// Which aggregates the sequencer has cached.
    pub(super) warm: Warm,
}

/// The load of one aggregate. All commands that need the aggregate wait for it, and take it with them to the
/// sequencer.
pub(super) struct Load {
    pub(super) key: Key,
    state: Mutex<State>,
    ended: watch::Sender<bool>,
    loader: Weak<Loader>,
}

enum State {
    Loading,
    Loaded(Loaded),
    Failed(StoreError),
    /// The sequencer has taken it.
    Taken,
}

/// A loaded aggregate.
pub(super) struct Loaded {
    pub(super) entry: Entry,
    /// It has every event up to here.
    pub(super) at: Bookmark,
    _places: Option<Arc<OwnedSemaphorePermit>>,
}

impl Load {
    /// An aggregate that a workflow has loaded itself.
    pub(super) fn done(entry: Entry, at: Bookmark) -> Arc<Self> {
        let key = Key::of(&*entry.slot);
        let state = Mutex::new(State::Loaded(Loaded { entry, at, _places: None }));
        Arc::new(Self { key, state, ended: watch::Sender::new(true), loader: Weak::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the aggregate can be taken. Only the sequencer takes it.
    pub(super) fn is_loaded(&self) -> bool {
        matches!(*self.state(), State::Loaded(_))
    }

    /// The aggregate, unless it was already taken for another command.
    pub(super) fn take(&self) -> Option<Loaded> {
        let mut state = self.state();
        if !matches!(*state, State::Loaded(_)) {
            return None;
        }
        match std::mem::replace(&mut *state, State::Taken) {
            State::Loaded(loaded) => Some(loaded),
            _ => None,
        }
    }

    fn end(&self, state: State) {
        *self.state() = state;
        self.ended.send_replace(true);
    }

    async fn wait(&self) -> Result<(), StoreError> {
        // The sender is dropped together with `self`, so it is still there.
        let _ = self.ended.subscribe().wait_for(|&ended| ended).await;
        match &*self.state() {
            State::Failed(error) => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let Some(loader) = self.loader.upgrade() else { return };
        let mut shared = loader.shared();
        // Another load of the same aggregate may have replaced it.
        if shared.get(&self.key).is_some_and(|load| load.strong_count() == 0) {
            shared.remove(&self.key);
        }
    }
}

/// The task of a load. However it ends, nobody waits for ever.
struct Lead {
    load: Arc<Load>,
    entry: Option<Entry>,
    store: String,
}

impl Lead {
    fn end(&mut self, state: State) {
        self.entry = None;
        self.load.end(state);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if matches!(*self.load.state(), State::Loading) {
            let (store, reason) = (std::mem::take(&mut self.store), "loading an aggregate was interrupted".to_owned());
            self.load.end(State::Failed(StoreError::Unavailable { store, reason }));
        }
    }
}

impl Loader {
    pub(super) fn new(
        log: Arc<dyn EventLog>,
        snapshots: Arc<SnapshotWriter>,
        recorder: Recorder,
        timeout: StoreTimeout,
        most_places: usize,
        cache: usize,
    ) -> Self {
        Self {
            log,
            snapshots,
            recorder,
            timeout,
            reading: Semaphore::new(MOST_AT_ONCE),
            places: Arc::new(Semaphore::new(most_places)),
            most_places,
            shared: Mutex::default(),
            warm: Warm::new(cache),
        }
    }

    fn shared(&self) -> MutexGuard<'_, HashMap<Key, Weak<Load>>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads these aggregates, or joins the loads that others have started.
    pub(super) async fn load(
        self: &Arc<Self>,
        slots: Vec<Box<dyn AggregateSlot>>,
    ) -> Result<Vec<Arc<Load>>, StoreError> {
        let (loads, own) = self.join(slots);
        if !own.is_empty() {
            let span = spans::load(own.len());
            tokio::spawn(Arc::clone(self).lead(own).instrument(span));
        }
        for load in &loads {
            load.wait().await?;
        }
        Ok(loads)
    }

    /// The loads of these aggregates, and those that this caller has to run.
    fn join(self: &Arc<Self>, slots: Vec<Box<dyn AggregateSlot>>) -> (Vec<Arc<Load>>, Vec<Lead>) {
        let (mut loads, mut own) = (Vec::new(), Vec::new());
        // Dropped after the lock is released: the last handle to a load takes the lock itself.
        let mut ended = Vec::new();
        let mut shared = self.shared();
        for slot in slots {
            let key = Key::of(&*slot);
            if let Some(load) = shared.get(&key).and_then(Weak::upgrade) {
                if matches!(*load.state(), State::Loading | State::Loaded(_)) {
                    loads.push(load);
                    continue;
                }
                ended.push(load);
            }
            let (state, ended) = (Mutex::new(State::Loading), watch::Sender::new(false));
            let load = Arc::new(Load { key: key.clone(), state, ended, loader: Arc::downgrade(self) });
            shared.insert(key, Arc::downgrade(&load));
            let entry = Some(Entry::new(slot));
            own.push(Lead { load: Arc::clone(&load), entry, store: self.log.describe() });
            loads.push(load);
        }
        drop(shared);
        (loads, own)
    }

    /// Loads the small ones of these together, and each of the others separately.
    async fn lead(self: Arc<Self>, mut leads: Vec<Lead>) {
        let wanted = u32::try_from(leads.len().min(self.most_places)).unwrap_or(u32::MAX);
        let places = self.timeout.of(async {
            let places = Arc::clone(&self.places).acquire_many_owned(wanted).await;
            Ok::<_, StoreError>(Arc::new(places.expect("the semaphore is never closed")))
        });
        let places = match places.await {
            Ok(places) => places,
            Err(error) => return leads.iter_mut().for_each(|lead| lead.end(State::Failed(error.clone()))),
        };
        if leads.len() > 1 {
            leads = self.lead_small(leads, &places).await;
        }
        if let [lead] = &mut *leads {
            let state = self.alone(lead, places).await.unwrap_or_else(State::Failed);
            return lead.end(state);
        }
        for mut lead in leads {
            let (this, places) = (Arc::clone(&self), Arc::clone(&places));
            tokio::spawn(
                async move {
                    let state = this.alone(&mut lead, places).await.unwrap_or_else(State::Failed);
                    lead.end(state);
                }
                .in_current_span(),
            );
        }
    }

    /// Loads those that fit on one page together, and returns the others.
    async fn lead_small(&self, mut leads: Vec<Lead>, places: &Arc<OwnedSemaphorePermit>) -> Vec<Lead> {
        let mut entries: Vec<Entry> = leads.iter_mut().filter_map(|lead| lead.entry.take()).collect();
        let Ok(_reading) = self.turn().await else {
            leads.iter_mut().zip(entries).for_each(|(lead, entry)| lead.entry = Some(entry));
            return leads;
        };
        let read = load_small(&mut entries, &mut self.source(), &self.snapshots, &self.recorder).await;
        let mut rest = Vec::new();
        for ((mut lead, entry), at) in leads.into_iter().zip(entries).zip(read) {
            if let Some(at) = at {
                lead.end(State::Loaded(Loaded { entry, at, _places: Some(Arc::clone(places)) }));
            } else {
                lead.entry = Some(Entry::new(entry.slot.empty()));
                rest.push(lead);
            }
        }
        rest
    }

    async fn alone(&self, lead: &mut Lead, places: Arc<OwnedSemaphorePermit>) -> Result<State, StoreError> {
        let Some(entry) = lead.entry.take() else { return Ok(State::Taken) };
        let mut entries = [entry];
        let _reading = self.turn().await?;
        let at = load(&mut entries, &mut self.source(), &self.snapshots, &self.recorder).await?;
        let [entry] = entries;
        Ok(State::Loaded(Loaded { entry, at, _places: Some(places) }))
    }

    /// Waits for a turn to read.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        self.timeout.of(async { Ok(self.reading.acquire().await.expect("the semaphore is never closed")) }).await
    }

    fn source(&self) -> Source<'_> {
        Source::log(&*self.log, &self.timeout)
    }
}
