//! One batch: load, lock, catch up, decide, append, commit, answer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tracing::Instrument;

use super::cache::{Cache, Key};
use super::entry::Entry;
use super::job::{Fault, Job};
use super::load::{Source, load};
use super::{Head, PAGE, Sizes, store};
use crate::boundary::{Loaded, LoadedSlot, LoadedState};
use crate::command::corrupt;
use crate::event::{Emitted, RecordedEvent};
use crate::log::{Bookmark, CommandRecord, EventLog, EventQuery, LogTransaction, Position, StoreError};
use crate::meta::CommandId;
use crate::observing::{Figures, Tie, spans};
use crate::projection::Inline;
use crate::snapshot::Keeper;
use crate::time::Timestamp;

/// A decision that takes longer holds up everyone behind it.
const SLOW_DECISION: Duration = Duration::from_millis(5);

/// When others have appended more than this, what is in memory is forgotten instead of brought up to date.
const MOST_TO_CATCH_UP: u64 = 20_000;

pub(super) struct Worker {
    log: Arc<dyn EventLog>,
    inline: Arc<Inline>,
    committed: Arc<Head>,
    keeper: Arc<Keeper>,
    sizes: Sizes,
    figures: Figures,
    tie: Tie,
    cache: Cache,
    /// Every aggregate in the cache is up to date to here, or further.
    known: Bookmark,
    /// Where aggregates were loaded since the log's lock was held last.
    loaded: Vec<Bookmark>,
}

/// What the jobs of one batch have decided so far.
struct Decided {
    head: Position,
    at: Timestamp,
    events: Vec<RecordedEvent>,
    records: Vec<CommandRecord>,
    /// Records that were found in the log.
    found: HashMap<CommandId, CommandRecord>,
}

impl Decided {
    /// The position of the last event, stored or decided.
    fn last(&self) -> Position {
        self.events.last().map_or(self.head, RecordedEvent::position)
    }

    fn record(&self, id: &CommandId) -> Option<&CommandRecord> {
        self.found.get(id).or_else(|| self.records.iter().find(|record| record.id == *id))
    }
}

impl Worker {
    pub(super) fn new(
        log: Arc<dyn EventLog>,
        inline: Arc<Inline>,
        committed: Arc<Head>,
        keeper: Arc<Keeper>,
        sizes: Sizes,
        figures: Figures,
        tie: Tie,
    ) -> Self {
        let cache = Cache::new(sizes.cache);
        Self { log, inline, committed, keeper, sizes, figures, tie, cache, known: Bookmark::START, loaded: Vec::new() }
    }

    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Box<dyn Job>>) {
        let mut waiting = Vec::with_capacity(self.sizes.batch);
        while requests.recv_many(&mut waiting, self.sizes.batch).await > 0 {
            let mut jobs: Vec<_> = waiting.drain(..).collect();
            self.figures.batch(jobs.len(), requests.len());
            let span = spans::batch(jobs.len());
            for job in &mut jobs {
                job.way().taken();
                self.tie.link(&span, job.meta());
            }
            self.batch(jobs).instrument(span).await;
        }
    }

    async fn batch(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        self.cache.trim();
        let failed = self.try_batch(&mut jobs).await.err();
        if let Some(error) = &failed {
            tracing::warn!(%error, commands = jobs.len(), "the batch was not stored");
            // What is in memory may hold events that are not in the log.
            self.cache.clear();
            self.known = Bookmark::START;
            self.loaded.clear();
        }
        let slots = jobs.iter().flat_map(|job| job.slots()).flatten();
        let used: HashSet<Key> = slots.filter(|slot| slot.kind().snapshots).map(|slot| Key::of(&**slot)).collect();
        for job in jobs {
            job.answer(failed.as_ref());
        }
        // What is in memory is committed now, or was cleared.
        for key in used {
            if let Some(entry) = self.cache.get_mut(&key) {
                self.keeper.offer(entry);
            }
        }
    }

    async fn try_batch(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        self.load_cold(jobs).await?;
        let mut tx = self.log.begin().await?;
        let head = tx.head();
        let last = tx.last().await?;
        self.fold_in_others(&mut *tx, last).await?;

        let ids: Vec<CommandId> = jobs.iter().filter_map(|job| job.meta().command_id.clone()).collect();
        let found = if ids.is_empty() { Vec::new() } else { tx.commands(&ids).await? };
        let found = found.into_iter().flatten().map(|record| (record.id.clone(), record)).collect();
        let mut decided = Decided { head, at: Timestamp::now(), events: Vec::new(), records: Vec::new(), found };
        for job in jobs {
            self.decide(&mut **job, &mut decided, &mut *tx).await?;
        }

        let last = decided.events.last().map_or(last, Bookmark::from);
        if !decided.events.is_empty() || !decided.records.is_empty() {
            let span = spans::append(decided.events.len());
            store(tx, &self.inline, &decided.events, &decided.records, &self.figures).instrument(span).await?;
            self.committed.raise(last);
        }
        self.known = last;
        Ok(())
    }

    /// Loads, outside the lock, the aggregates that are not in memory.
    async fn load_cold(&mut self, jobs: &[Box<dyn Job>]) -> Result<(), StoreError> {
        let mut keys = HashSet::new();
        let mut cold = Vec::new();
        let mut warm = 0;
        for slot in jobs.iter().flat_map(|job| job.slots()).flatten() {
            let key = Key::of(&**slot);
            if self.cache.touch(&key) {
                warm += 1;
            } else if keys.insert(key) {
                cold.push(Entry::new(slot.empty()));
            }
        }
        self.figures.found_in_memory(warm);
        if cold.is_empty() {
            return Ok(());
        }
        let span = spans::load(cold.len());
        let reached =
            load(&mut cold, &mut Source::Log(&*self.log), &self.keeper, &self.figures).instrument(span).await?;
        if self.cache.is_empty() {
            self.known = reached;
        }
        self.loaded.push(reached);
        for entry in cold {
            self.cache.insert(Key::of(&*entry.slot), entry);
        }
        Ok(())
    }

    /// Folds in what others have appended since this process last held the lock. Where the log lacks what is in memory, that is
    /// forgotten.
    async fn fold_in_others(&mut self, tx: &mut dyn LogTransaction, last: Bookmark) -> Result<(), StoreError> {
        let is_noticed = self.committed.learn(last);
        let loaded = std::mem::take(&mut self.loaded);
        if last.position.distance_from(self.known.position) > MOST_TO_CATCH_UP {
            self.cache.clear();
        }
        if !self.cache.is_empty()
            && let Some(lost) = self.catch_up_with(tx, last, &loaded).await?
        {
            self.cache.clear();
            if !is_noticed {
                self.committed.lose(lost, last);
            }
        }
        self.known = last;
        Ok(())
    }

    /// Reads what was appended after what is in memory, up to `last`. Returns a bookmark of what is in memory that the log does not
    /// hold, if there is one.
    async fn catch_up_with(
        &mut self,
        tx: &mut dyn LogTransaction,
        last: Bookmark,
        loaded: &[Bookmark],
    ) -> Result<Option<Bookmark>, StoreError> {
        let claims: Vec<Bookmark> = loaded.iter().copied().chain([self.known]).collect();
        // Every event after what is known is read: whatever was loaded further than that meets its own.
        let differs = |found: Bookmark| {
            let same_place = claims.iter().find(|claim| claim.position == found.position);
            same_place.copied().filter(|claim| !claim.agrees_with(found.event))
        };
        let beyond = claims.iter().copied().find(|claim| claim.position > last.position);
        if let Some(lost) = beyond.or_else(|| differs(last)) {
            return Ok(Some(lost));
        }
        while self.known.position < last.position {
            let page = tx.read(&EventQuery::all(), self.known.position, PAGE).await?;
            if !page.continues(self.known) {
                return Ok(Some(self.known));
            }
            if let Some(lost) = page.events.iter().find_map(|event| differs(event.into())) {
                return Ok(Some(lost));
            }
            // An aggregate that was loaded further than this passes over what it has.
            page.events.iter().for_each(|event| self.cache.fold(event));
            self.known = page.end();
        }
        Ok(None)
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
            let stored = tx.read(&condition.query, condition.after, 1).await?;
            if !condition.holds(&stored) || decided.events.iter().any(|event| condition.query.matches(event)) {
                let fault = Fault::Conflict(condition.after);
                job.refuse(fault);
                return Ok(());
            }
        }
        let keys: Vec<Vec<Key>> =
            job.slots().iter().map(|slots| slots.iter().map(|slot| Key::of(&**slot)).collect()).collect();
        self.reload_missing(job, decided, tx).await?;
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

    /// Runs the decision on what is in memory.
    fn run_decision(&self, job: &mut dyn Job, keys: &[Vec<Key>]) -> Option<Emitted> {
        let mut loaded = Loaded { slots: Vec::with_capacity(keys.len()) };
        for keys in keys {
            let mut states = Vec::with_capacity(keys.len());
            for key in keys {
                let entry = self.cache.get(key).expect("loaded for this batch, or just now");
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
                "a slow decision holds up every command behind it: work that takes long belongs into a workflow (`#[command] async fn`)"
            );
        }
        emitted
    }

    /// Gives the events of a decision their places, and folds them into memory, so that the next decision sees them.
    fn record(&mut self, job: &mut dyn Job, emitted: Emitted, decided: &Decided) -> Result<Vec<RecordedEvent>, Fault> {
        let mut events: Vec<RecordedEvent> = Vec::with_capacity(emitted.events.len());
        let mut position = decided.last();
        for event in emitted.events {
            position = position.next();
            events.push(event.record(position, job.meta(), decided.at).map_err(Fault::Encode)?);
        }
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
                    // It holds events that are not stored, or lacks one that is: the next who needs it loads it anew.
                    self.cache.remove(&key);
                }
            }
        }
        refused.map_or(Ok(events), |refused| Err(Fault::Corrupt(refused)))
    }

    /// Loads, under the lock, what an earlier decision of this batch has spoilt.
    async fn reload_missing(
        &mut self,
        job: &dyn Job,
        decided: &Decided,
        tx: &mut dyn LogTransaction,
    ) -> Result<(), StoreError> {
        for slot in job.slots().iter().flatten() {
            let key = Key::of(&**slot);
            if self.cache.touch(&key) {
                continue;
            }
            let mut spoilt = [Entry::new(slot.empty())];
            load(&mut spoilt, &mut Source::Locked(tx), &self.keeper, &self.figures).instrument(spans::load(1)).await?;
            let [mut entry] = spoilt;
            let query = slot.query();
            decided.events.iter().filter(|event| query.matches(event)).for_each(|event| entry.fold(event));
            self.cache.insert(key, entry);
        }
        Ok(())
    }
}
