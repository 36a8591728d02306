//! One batch: lock, catch up, decide, append, commit, answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tracing::Instrument;

use super::cache::{Cache, Key};
use super::cached::{Entry, corrupt};
use super::cold::Loader;
use super::gather::gather;
use super::job::{Fault, Job};
use super::load::{Source, bring_up};
use super::snapshots::SnapshotWriter;
use super::timeout::StoreTimeout;
use super::{Request, Sizes, store};
use crate::fast_map::FastSet;
use crate::model::boundary::{Loaded, LoadedSlot, LoadedState};
use crate::projection::{Head, Inline, PAGE};
use crate::telemetry::{Recorder, TraceLink, spans};
use cqrs_core::event::{Emitted, RecordedEvent};
use cqrs_core::log::{CommandRecord, EventLog, EventQuery, LogTransaction};
use cqrs_core::meta::CommandId;
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::time::Timestamp;

/// A slower decision is logged, since it delays every command behind it.
const SLOW_DECISION: Duration = Duration::from_millis(5);

/// If others have appended more events than this, the cache is dropped instead of brought up to date.
const MOST_TO_CATCH_UP: u64 = 20_000;

/// Jobs that can be decided, and the aggregates that their callers loaded.
type Admitted = (Vec<Box<dyn Job>>, Vec<(Key, Bookmark)>);

pub(super) struct Worker {
    log: Arc<dyn EventLog>,
    inline: Arc<Inline>,
    committed: Arc<Head>,
    snapshots: Arc<SnapshotWriter>,
    sizes: Sizes,
    recorder: Recorder,
    trace_link: TraceLink,
    loader: Arc<Loader>,
    timeout: StoreTimeout,
    cache: Cache,
    /// Every aggregate in the cache is up to date at least to here.
    known: Bookmark,
}

/// The results of the jobs of one batch so far.
struct Decided {
    head: Position,
    at: Timestamp,
    events: Vec<RecordedEvent>,
    records: Vec<CommandRecord>,
    /// Command records that were found in the log.
    found: HashMap<CommandId, CommandRecord>,
}

impl Decided {
    fn new(head: Position) -> Self {
        Self { head, at: Timestamp::now(), events: Vec::new(), records: Vec::new(), found: HashMap::new() }
    }

    /// The position of the last event, stored or decided.
    fn last(&self) -> Position {
        self.events.last().map_or(self.head, RecordedEvent::position)
    }

    fn record(&self, id: &CommandId) -> Option<&CommandRecord> {
        self.found.get(id).or_else(|| self.records.iter().find(|record| record.id == *id))
    }
}

impl Worker {
    #[allow(clippy::too_many_arguments, reason = "each part of the sequencer, once")]
    pub(super) fn new(
        log: Arc<dyn EventLog>,
        inline: Arc<Inline>,
        committed: Arc<Head>,
        snapshots: Arc<SnapshotWriter>,
        sizes: Sizes,
        recorder: Recorder,
        trace_link: TraceLink,
        loader: Arc<Loader>,
        timeout: StoreTimeout,
    ) -> Self {
        let cache = Cache::new(sizes.cache);
        let known = Bookmark::START;
        Self { log, inline, committed, snapshots, sizes, recorder, trace_link, loader, timeout, cache, known }
    }

    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut waiting = Vec::with_capacity(self.sizes.batch);
        let mut closing = Vec::new();
        while requests.recv_many(&mut waiting, self.sizes.batch).await > 0 {
            let mut jobs = Vec::with_capacity(waiting.len());
            for request in waiting.drain(..) {
                match request {
                    Request::Run(job) => jobs.push(job),
                    Request::Close(held) => {
                        requests.close();
                        closing.push(held);
                    }
                }
            }
            if jobs.is_empty() {
                continue;
            }
            self.recorder.batch(jobs.len(), requests.len());
            let span = spans::batch(jobs.len());
            for job in &mut jobs {
                job.spans().taken();
                self.trace_link.link(&span, job.meta());
            }
            let (answered, started) = (jobs.len(), Instant::now());
            self.batch(jobs).instrument(span).await;
            gather(answered, started.elapsed(), self.sizes.batch, || requests.len());
        }
    }

    async fn batch(&mut self, jobs: Vec<Box<dyn Job>>) {
        self.make_room();
        let (mut jobs, brought) = self.admit(jobs);
        if jobs.is_empty() {
            return;
        }
        let mut decided = Decided::new(Position::START);
        let failed = self.try_batch(&mut jobs, &brought, &mut decided).await.err();
        if let Some(error) = &failed {
            tracing::warn!(%error, commands = jobs.len(), "batch not stored");
            // Aggregates with these events may hold what is not in the log. Freshly loaded ones may lack events that were not
            // read.
            let spoilt = decided.events.iter().flat_map(|event| self.cache.keys(event));
            let spoilt: Vec<Key> = spoilt.chain(brought.into_iter().map(|(key, _)| key)).collect();
            for key in spoilt {
                self.cache.remove(&key);
            }
        }
        let slots = jobs.iter().flat_map(|job| job.slots()).flatten();
        let used: FastSet<Key> = slots.filter(|slot| slot.kind().snapshots).map(|slot| Key::of(&**slot)).collect();
        for job in jobs {
            job.answer(failed.as_ref());
        }
        if failed.is_some() {
            return;
        }
        // The cached states are committed now.
        for key in used {
            if let Some(entry) = self.cache.get_mut(&key) {
                self.snapshots.offer(entry);
            }
        }
    }

    fn make_room(&mut self) {
        if self.cache.trim() {
            self.loader.warm.replace(self.cache.keys_in_memory());
        }
    }

    /// Caches the aggregates that the jobs' callers have loaded. Jobs that still lack an aggregate go back to their callers. Returns
    /// the others, and the position at which their aggregates were loaded.
    fn admit(&mut self, jobs: Vec<Box<dyn Job>>) -> Admitted {
        let (mut ready, mut brought, mut warm) = (Vec::with_capacity(jobs.len()), Vec::new(), 0);
        let was_empty = self.cache.is_empty();
        for mut job in jobs {
            let (mut missing, mut there) = (Vec::new(), 0);
            for slot in job.slots().iter().flatten() {
                let key = Key::of(&**slot);
                if self.cache.touch(&key) {
                    there += 1;
                } else if !job.brought().iter().any(|load| load.key == key && load.is_loaded()) {
                    missing.push(key);
                }
            }
            if job.is_dropped() {
                continue;
            }
            if !missing.is_empty() {
                job.lacks(missing);
                job.answer(None);
                continue;
            }
            warm += there;
            for load in job.brought() {
                if self.cache.get(&load.key).is_none()
                    && let Some(loaded) = load.take()
                {
                    brought.push((load.key.clone(), loaded.at));
                    self.loader.warm.add(&load.key);
                    self.cache.insert(load.key.clone(), loaded.entry);
                }
            }
            ready.push(job);
        }
        self.recorder.found_in_memory(warm);
        if was_empty && let Some(highest) = brought.iter().map(|(_, at)| *at).max_by_key(|at| at.position) {
            self.known = highest;
        }
        // A job that was sent back before goes first, so that another command of the batch cannot send it back for ever.
        ready.sort_by_key(|job| std::cmp::Reverse(job.turns()));
        (ready, brought)
    }

    async fn try_batch(
        &mut self,
        jobs: &mut [Box<dyn Job>],
        brought: &[(Key, Bookmark)],
        decided: &mut Decided,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let head = tx.head();
        let last = self.answer(tx.last()).await?;
        self.fold_in_others(&mut *tx, last, brought, jobs).await?;

        let ids: Vec<CommandId> = jobs.iter().filter_map(|job| job.meta().command_id.clone()).collect();
        let found = if ids.is_empty() { Vec::new() } else { self.answer(tx.commands(&ids)).await? };
        let found = found.into_iter().flatten().map(|record| (record.id.clone(), record)).collect();
        *decided = Decided { found, ..Decided::new(head) };
        for job in jobs {
            self.decide(&mut **job, decided, &mut *tx).await?;
        }

        let last = decided.events.last().map_or(last, Bookmark::from);
        if !decided.events.is_empty() || !decided.records.is_empty() {
            let span = spans::append(decided.events.len());
            let (events, records) = (&decided.events, &decided.records);
            let storing = store(tx, &self.inline, events, records, &self.recorder, &self.timeout);
            storing.instrument(span).await?;
            self.committed.raise(last);
        }
        self.known = last;
        Ok(())
    }

    async fn begin(&self) -> Result<Box<dyn LogTransaction>, StoreError> {
        self.answer(self.log.begin()).await
    }

    /// Waits for the log, within the timeout.
    async fn answer<T, E: From<StoreError>>(&self, asking: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.timeout.of(asking).await
    }

    /// Folds in what others have appended since this process last held the lock, and since aggregates were loaded. If the
    /// log lacks events of the cached aggregates, the cache is dropped.
    async fn fold_in_others(
        &mut self,
        tx: &mut dyn LogTransaction,
        last: Bookmark,
        brought: &[(Key, Bookmark)],
        jobs: &[Box<dyn Job>],
    ) -> Result<(), StoreError> {
        let is_noticed = self.committed.learn(last);
        if !self.cache.is_empty()
            && let Some(lost) = self.catch_up_with(tx, last, brought, jobs).await?
        {
            self.forget_all_but(&FastSet::default());
            if !is_noticed {
                self.committed.lose(lost, last);
            }
        }
        self.known = last;
        Ok(())
    }

    fn forget_all_but(&mut self, needed: &FastSet<Key>) {
        self.cache.retain(needed);
        self.loader.warm.replace(self.cache.keys_in_memory());
    }

    /// Reads what was appended after the cached state, up to `last`. If the log has lost an event of the cached state, returns its
    /// bookmark.
    async fn catch_up_with(
        &mut self,
        tx: &mut dyn LogTransaction,
        last: Bookmark,
        brought: &[(Key, Bookmark)],
        jobs: &[Box<dyn Job>],
    ) -> Result<Option<Bookmark>, StoreError> {
        let claims: Vec<Bookmark> = brought.iter().map(|(_, at)| *at).chain([self.known]).collect();
        let differs = |found: Bookmark| {
            let same_place = claims.iter().find(|claim| claim.position == found.position);
            same_place.copied().filter(|claim| !claim.agrees_with(found.event))
        };
        let beyond = claims.iter().copied().find(|claim| claim.position > last.position);
        if let Some(lost) = beyond.or_else(|| differs(last)) {
            return Ok(Some(lost));
        }
        let lowest = claims.iter().copied().min_by_key(|claim| claim.position).unwrap_or(self.known);
        let is_far = last.position.distance_from(self.known.position) > MOST_TO_CATCH_UP;
        if !is_far && self.known.position.distance_from(lowest.position) <= PAGE as u64 {
            // Every event after the known position is read, so aggregates that were loaded later get theirs
            // again.
            self.known = lowest;
        } else {
            // For few aggregates it is faster to read only their own events.
            let held = self.answer(self.log.holds(&claims)).await?;
            if let Some((lost, _)) = claims.iter().zip(held).find(|(_, held)| !held) {
                return Ok(Some(*lost));
            }
            if is_far {
                let slots = jobs.iter().flat_map(|job| job.slots()).flatten();
                let needed: FastSet<Key> = slots.map(|slot| Key::of(&**slot)).collect();
                self.forget_all_but(&needed);
                self.bring_up(tx, needed.into_iter(), lowest).await?;
                return Ok(None);
            }
            let known = self.known.position;
            let behind = brought.iter().filter(|(_, at)| at.position < known).map(|(key, _)| key.clone());
            self.bring_up(tx, behind, lowest).await?;
        }
        while self.known.position < last.position {
            let page = self.answer(tx.read(&EventQuery::all(), self.known.position, PAGE)).await?;
            if !page.continues(self.known) {
                return Ok(Some(self.known));
            }
            if let Some(lost) = page.events.iter().find_map(|event| differs(event.into())) {
                return Ok(Some(lost));
            }
            // An aggregate ignores events that it already has.
            page.events.iter().for_each(|event| self.cache.fold(event));
            self.known = page.end();
        }
        Ok(None)
    }

    /// Folds their own events into these aggregates, which have all events up to `after`.
    async fn bring_up(
        &mut self,
        tx: &mut dyn LogTransaction,
        keys: impl Iterator<Item = Key>,
        after: Bookmark,
    ) -> Result<(), StoreError> {
        let mut entries: Vec<Entry> = keys.filter_map(|key| self.cache.remove(&key)).collect();
        if entries.is_empty() {
            return Ok(());
        }
        let mut source = Source::locked(&*self.log, tx, &self.timeout);
        bring_up(&mut entries.iter_mut().collect::<Vec<_>>(), after, &mut source).await?;
        for entry in entries {
            self.cache.insert(Key::of(&*entry.slot), entry);
        }
        Ok(())
    }

    async fn decide(
        &mut self,
        job: &mut dyn Job,
        decided: &mut Decided,
        tx: &mut dyn LogTransaction,
    ) -> Result<(), StoreError> {
        if let Some(record) = job.meta().command_id.as_ref().and_then(|id| decided.record(id)) {
            job.repeat(record);
            return Ok(());
        }
        if let Some(condition) = job.condition() {
            let stored = self.answer(tx.read(&condition.query, condition.after, 1)).await?;
            if !condition.holds(&stored) || decided.events.iter().any(|event| condition.query.matches(event)) {
                let fault = Fault::Conflict(condition.after);
                job.refuse(fault);
                return Ok(());
            }
        }
        let keys: Vec<Vec<Key>> =
            job.slots().iter().map(|slots| slots.iter().map(|slot| Key::of(&**slot)).collect()).collect();
        let spoilt: Vec<Key> = keys.iter().flatten().filter(|key| self.cache.get(key).is_none()).cloned().collect();
        if !spoilt.is_empty() {
            // Invalidated by an earlier decision of this batch: its caller loads it again, outside the lock.
            job.lacks(spoilt);
            return Ok(());
        }
        if !job.starts() {
            return Ok(());
        }
        let entries = keys.iter().flatten().filter_map(|key| self.cache.get(key));
        if let Err(expected) = Entry::require_unchanged(entries, job.meta().expected, decided.last()) {
            job.refuse(Fault::Conflict(expected));
            return Ok(());
        }
        let Some(emitted) = self.run_decision(job, &keys) else { return Ok(()) };
        match self.record(job, emitted, decided) {
            Ok(mut events) => {
                let record = job.accept(decided.last(), &events, decided.at);
                decided.events.append(&mut events);
                decided.records.extend(record);
            }
            Err(fault) => job.refuse(fault),
        }
        Ok(())
    }

    /// Runs the decision on the cached aggregates.
    fn run_decision(&self, job: &mut dyn Job, keys: &[Vec<Key>]) -> Option<Emitted> {
        let mut loaded = Loaded { slots: Vec::with_capacity(keys.len()) };
        for keys in keys {
            let mut states = Vec::with_capacity(keys.len());
            for key in keys {
                let entry = self.cache.get(key).expect("all of them are cached");
                if let Some(error) = &entry.corrupt {
                    job.refuse(Fault::Corrupt(corrupt(&*entry.slot, error.clone())));
                    return None;
                }
                states.push(LoadedState { slot: &*entry.slot });
            }
            loaded.slots.push(LoadedSlot { states });
        }
        let started = Instant::now();
        let emitted = job.decide(&loaded);
        let took = started.elapsed();
        if took > SLOW_DECISION {
            tracing::warn!(
                command = job.name(),
                ?took,
                "slow decision delays every command behind it; move slow work into a workflow (`#[command] async fn`)"
            );
        }
        emitted
    }

    /// Gives the events of a decision their positions, and folds them into the cache, so that the next decision sees
    /// them.
    fn record(&mut self, job: &mut dyn Job, emitted: Emitted, decided: &Decided) -> Result<Vec<RecordedEvent>, Fault> {
        let events = emitted.record(decided.last(), job.meta(), decided.at).map_err(Fault::Encode)?;
        for event in &events {
            self.cache.fold(event);
        }
        let own: Vec<Key> = job.slots().iter().flatten().map(|slot| Key::of(&**slot)).collect();
        let refused = own.iter().find_map(|key| {
            let entry = self.cache.get(key)?;
            entry.corrupt.clone().map(|error| corrupt(&*entry.slot, error))
        });
        for event in &events {
            for key in self.cache.keys(event).collect::<Vec<_>>() {
                let spoilt = self.cache.get(&key).is_some_and(|entry| entry.corrupt.is_some());
                if refused.is_some() || spoilt {
                    // It holds events that are not stored, or lacks one that is. The next command that needs it loads it.
                    self.cache.remove(&key);
                }
            }
        }
        refused.map_or(Ok(events), |refused| Err(Fault::Corrupt(refused)))
    }
}
