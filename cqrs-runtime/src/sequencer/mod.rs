//! The sequencer: runs all decisions of this process, in batches, under the log's lock.
//!
//! Callers load the aggregates that are not cached, and queue their commands. One thread takes everything queued, takes the
//! lock, folds in what other processes have appended, runs the decisions in order, appends all their events at once, folds the
//! inline views, commits, and answers every caller. So a decision never conflicts and never retries. A command whose aggregate
//! turns out not to be cached goes back to its caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout_at;

use crate::model::boundary::Loaded;
use crate::model::error::CommandError;
use crate::model::message::{Command, Handling};
use crate::model::outcome::Emission;
use crate::projection::{Head, Inline};
use crate::telemetry::{Recorder, TraceLink};
use cqrs_core::event::RecordedEvent;
use cqrs_core::log::{CommandRecord, EventLog, LogTransaction};
use cqrs_core::meta::Meta;
use cqrs_core::store_error::StoreError;
use snapshots::SnapshotWriter;
use timeout::StoreTimeout;

mod batch;
mod cache;
mod cached;
mod cold;
mod gather;
mod job;
mod load;
pub(crate) mod snapshots;
pub(crate) mod timeout;
mod warm;

use cache::Key;
pub(crate) use cached::Entry;
use cold::Loader;
pub(crate) use job::{Call, known_receipt, receipt, record};
use job::{Job, Reply, TypedJob};
pub(crate) use load::{Source, bring_up, load};

/// Limits of the sequencer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// How many commands may wait. The next caller waits for a place.
    pub queue: usize,
    /// How many commands share a transaction.
    pub batch: usize,
    /// How many aggregates are kept in memory.
    pub cache: usize,
    /// How many events of an aggregate lie between two snapshots.
    pub snapshot_every: u64,
    /// Whether loaded states are written as snapshots and read back, for tests.
    pub rehearse_snapshots: bool,
    /// How long one answer of the log may take.
    pub timeout: Duration,
}

impl Default for Sizes {
    fn default() -> Self {
        let timeout = StoreTimeout::DEFAULT;
        Self { queue: 4_096, batch: 512, cache: 100_000, snapshot_every: 100, rehearse_snapshots: false, timeout }
    }
}

/// A message to the sequencer's thread.
enum Request {
    Run(Box<dyn Job>),
    /// The last one. The sender is dropped when everything queued is answered.
    Close(oneshot::Sender<()>),
}

/// The handle to the sequencer's thread.
pub(crate) struct Sequencer {
    queue: mpsc::Sender<Request>,
    loader: Arc<Loader>,
    pub(crate) timeout: StoreTimeout,
    turns: Arc<Semaphore>,
    closed: AtomicBool,
}

impl Sequencer {
    /// Starts the thread. It ends when the last handle to it is dropped and everything queued is answered.
    pub(crate) fn start(
        log: Arc<dyn EventLog>,
        inline: Arc<Inline>,
        head: Arc<Head>,
        snapshots: Arc<SnapshotWriter>,
        sizes: Sizes,
        recorder: Recorder,
        trace_link: TraceLink,
    ) -> Self {
        let (queue, requests) = mpsc::channel(sizes.queue);
        let runtime = tokio::runtime::Handle::current();
        let timeout = StoreTimeout::new(log.describe(), sizes.timeout);
        let (log_too, keeper_too, figures_too) = (Arc::clone(&log), Arc::clone(&snapshots), recorder.clone());
        let loader = Loader::new(log_too, keeper_too, figures_too, timeout.clone(), sizes.queue, sizes.cache);
        let loader = Arc::new(loader);
        let worker = batch::Worker::new(
            log,
            inline,
            head,
            snapshots,
            sizes,
            recorder,
            trace_link,
            Arc::clone(&loader),
            timeout.clone(),
        );
        std::thread::Builder::new()
            .name("cqrs-sequencer".into())
            .spawn(move || runtime.block_on(worker.run(requests)))
            .expect("the thread can be started");
        Self { queue, loader, timeout, turns: Arc::new(Semaphore::new(1)), closed: AtomicBool::new(false) }
    }

    /// Runs one decision, and returns when its events are stored.
    pub(crate) async fn run<C, D>(&self, job: Box<TypedJob<C, D>>) -> Handling<C>
    where
        C: Command,
        D: FnOnce(&Loaded<'_>, &Meta) -> Result<Emission<C::Returns>, CommandError<C::Error>> + Send + 'static,
    {
        let due = job.due.clone();
        let mut working = std::pin::pin!(self.work(job));
        if let Some((deadline, start)) = due {
            match timeout_at(deadline, &mut working).await {
                Ok(handling) => return handling,
                Err(_) if start.drop_it() => return Err(CommandError::TimedOut),
                // It is being decided or stored, so its outcome will be known soon.
                Err(_) => {}
            }
        }
        working.await
    }

    /// Loads cold aggregates and queues the command, until it is decided.
    async fn work<C, D>(&self, mut job: Box<TypedJob<C, D>>) -> Handling<C>
    where
        C: Command,
        D: FnOnce(&Loaded<'_>, &Meta) -> Result<Emission<C::Returns>, CommandError<C::Error>> + Send + 'static,
    {
        if self.is_closed() {
            return Err(CommandError::ShutDown);
        }
        self.load_cold(&mut job).await?;
        loop {
            let answered = job.queued();
            self.queue.send(Request::Run(job)).await.map_err(|_| CommandError::ShutDown)?;
            match answered.await {
                Ok(Reply::Answer(handling)) => return handling,
                Ok(Reply::Cold(cold)) => job = cold,
                Err(_) => return Err(CommandError::ShutDown),
            }
            self.load_missing(&mut job).await?;
        }
    }

    /// Loads aggregates that are not cached, as far as callers know.
    async fn load_cold<C: Command, D>(&self, job: &mut TypedJob<C, D>) -> Result<(), StoreError> {
        let brought = &job.brought;
        let cold = job.boundary.slots.iter().flatten().filter(|slot| {
            let key = Key::of(&***slot);
            !self.loader.warm.may_have(&key) && !brought.iter().any(|load| load.key == key)
        });
        let cold: Vec<_> = cold.map(|slot| slot.empty()).collect();
        if !cold.is_empty() {
            job.brought.extend(Box::pin(self.loader.load(cold)).await?);
        }
        Ok(())
    }

    /// Loads the aggregates that the sequencer did not have. The second time it loads all, so that none can be missing
    /// again.
    async fn load_missing<C: Command, D>(&self, job: &mut TypedJob<C, D>) -> Result<(), StoreError> {
        job.turns += 1;
        let missing = std::mem::take(&mut job.missing);
        if job.turns > 1 {
            job.brought.clear();
        }
        let slots = job.boundary.slots.iter().flatten();
        let cold = slots.filter(|slot| job.turns > 1 || missing.contains(&Key::of(&***slot)));
        let cold = cold.map(|slot| slot.empty()).collect();
        job.brought.extend(Box::pin(self.loader.load(cold)).await?);
        Ok(())
    }

    /// Waits for a workflow's turn to take the log's lock. Only one workflow at a time waits for the lock, so that decisions,
    /// which wait for it too, come in between.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let turn = async { Ok(Arc::clone(&self.turns).acquire_owned().await.expect("the semaphore is never closed")) };
        self.timeout.of(turn).await
    }

    /// Whether commands are refused because the app was closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Refuses further commands, and waits within a time until the queued ones are answered.
    pub(crate) async fn close(&self, within: Duration) {
        self.closed.store(true, Ordering::Release);
        let (held, dropped) = oneshot::channel();
        let closing = async {
            if self.queue.send(Request::Close(held)).await.is_ok() {
                // Nothing is sent: the wait ends when the sender is dropped.
                let _ = dropped.await;
            }
        };
        if tokio::time::timeout(within, closing).await.is_err() {
            tracing::warn!("app closed while commands were waiting");
        }
    }

    /// How many commands wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Whether the next caller would wait for a place.
    pub(crate) fn is_full(&self) -> bool {
        self.queue.capacity() == 0
    }

    /// Whether the thread has ended. Then no command is executed any more.
    pub(crate) fn has_stopped(&self) -> bool {
        self.queue.is_closed()
    }
}

/// Appends events with their command records, folds the inline views, and commits.
pub(crate) async fn store(
    mut tx: Box<dyn LogTransaction>,
    inline: &Inline,
    events: &[RecordedEvent],
    records: &[CommandRecord],
    recorder: &Recorder,
    timeout: &StoreTimeout,
) -> Result<(), StoreError> {
    let appending = recorder.appending();
    let head = tx.head();
    timeout.of(inline.catch_up(&mut *tx, recorder)).await?;
    if !events.is_empty() || !records.is_empty() {
        timeout.of(tx.append(events, records)).await?;
    }
    if let Some(last) = events.last()
        && let Some(views) = tx.views()
    {
        timeout.of(inline.apply(views, head, events, last.into())).await?;
        recorder.folded(events);
    }
    let last = events.last().map_or(head, RecordedEvent::position);
    let reached = timeout.of(inline.reached(&mut *tx)).await?;
    timeout.commit(tx).await?;
    inline.learn(reached, last);
    appending.done(events.len(), last);
    Ok(())
}
