//! The sequencer: all decisions of this process, in batches, under the log's lock.
//!
//! One thread owns it. It takes everything queued, loads the aggregates that are not cached yet outside the lock, takes the
//! lock, folds in what other processes have appended meanwhile, runs the decisions in order, appends all their events at once,
//! folds the inline views, commits, and answers every caller. A decision thus never conflicts and never retries.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::boundary::{Boundary, Loaded};
use crate::command::Content;
use crate::error::CommandError;
use crate::event::RecordedEvent;
use crate::handler::{Emission, Handling};
use crate::log::{CommandRecord, Condition, EventLog, LogTransaction, StoreError};
use crate::message::Command;
use crate::meta::Meta;
use crate::observing::spans::Way;
use crate::observing::{Figures, Tie};
use crate::projection::Inline;
use crate::snapshot::Keeper;

mod batch;
mod cache;
mod entry;
mod head;
mod job;
mod load;

pub(crate) use entry::Entry;
pub(crate) use head::Head;
use job::{Job, TypedJob};
pub(crate) use job::{known_receipt, panic_message, receipt, record};
pub(crate) use load::{Source, load};

/// How many events are read at once.
pub(crate) const PAGE: usize = 1_000;

/// The sizes of the sequencer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// How many commands may wait; the next one's caller waits for a place.
    pub queue: usize,
    /// How many commands go into one transaction.
    pub batch: usize,
    /// How many aggregates are kept in memory.
    pub cache: usize,
    /// After how many events of an aggregate a snapshot is taken.
    pub snapshot_every: u64,
    /// Whether states go through a snapshot when they are loaded: for tests.
    pub rehearse_snapshots: bool,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { queue: 4_096, batch: 512, cache: 100_000, snapshot_every: 100, rehearse_snapshots: false }
    }
}

/// The way to the sequencer's thread.
pub(crate) struct Sequencer {
    queue: mpsc::Sender<Box<dyn Job>>,
}

impl Sequencer {
    /// Starts the thread. It ends when the last handle to it is dropped and everything queued is answered.
    pub(crate) fn start(
        log: Arc<dyn EventLog>,
        inline: Arc<Inline>,
        head: Arc<Head>,
        keeper: Arc<Keeper>,
        sizes: Sizes,
        figures: Figures,
        tie: Tie,
    ) -> Self {
        let (queue, requests) = mpsc::channel(sizes.queue);
        let runtime = tokio::runtime::Handle::current();
        let worker = batch::Worker::new(log, inline, head, keeper, sizes, figures, tie);
        std::thread::Builder::new()
            .name("cqrs-sequencer".into())
            .spawn(move || runtime.block_on(worker.run(requests)))
            .expect("the system starts threads");
        Self { queue }
    }

    /// Runs one decision, and answers when its events are stored.
    pub(crate) async fn run<C, D>(
        &self,
        meta: Arc<Meta>,
        content: Option<Content>,
        boundary: Boundary,
        condition: Option<Condition>,
        decision: D,
    ) -> Handling<C>
    where
        C: Command,
        D: FnOnce(&Loaded<'_>, &Meta) -> Result<Emission<C::Returns>, CommandError<C::Error>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = TypedJob::<C, D>::new(meta, content, boundary, condition, decision, answer, Way::queued());
        self.queue.send(Box::new(job)).await.map_err(|_| CommandError::ShutDown)?;
        answered.await.unwrap_or(Err(CommandError::ShutDown))
    }

    /// How many commands wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Whether the next command waits for a place.
    pub(crate) fn is_full(&self) -> bool {
        self.queue.capacity() == 0
    }

    /// Whether the thread has ended, and no command is executed any more.
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
    figures: &Figures,
) -> Result<(), StoreError> {
    let appending = figures.appending();
    let head = tx.head();
    inline.catch_up(&mut *tx, figures).await?;
    if !events.is_empty() || !records.is_empty() {
        tx.append(events, records).await?;
    }
    if let Some(last) = events.last()
        && let Some(views) = tx.views()
    {
        inline.apply(views, head, events, last.into()).await?;
        figures.folded(events);
    }
    let last = events.last().map_or(head, RecordedEvent::position);
    let reached = inline.reached(&mut *tx).await?;
    tx.commit().await?;
    inline.learn(reached, last);
    appending.done(events.len(), last);
    Ok(())
}
