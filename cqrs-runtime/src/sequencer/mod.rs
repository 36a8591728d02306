//! The sequencer: all decisions of this process, in batches, under the log's lock.
//!
//! One thread owns it. It takes everything queued, loads the aggregates that are not cached yet outside the lock, takes the
//! lock, folds in what other processes have appended meanwhile, runs the decisions in order, appends all their events at once,
//! folds the inline views, commits, and answers every caller. A decision thus never conflicts and never retries.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::boundary::{Boundary, Loaded};
use crate::command::Content;
use crate::error::{CommandError, OperationError};
use crate::event::RecordedEvent;
use crate::handler::{Emission, Handling};
use crate::log::{CommandRecord, Condition, EventLog, EventQuery, LogTransaction, Position, StoreError};
use crate::message::Command;
use crate::meta::Meta;
use crate::observing::spans::Way;
use crate::observing::{Figures, Tie};
use crate::projection::{Engine, clear_lost};
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

/// What an operator hears.
type Answer = oneshot::Sender<Result<Position, OperationError>>;

/// What the sequencer is asked for.
enum Request {
    Run(Box<dyn Job>),
    CatchUp(oneshot::Sender<Result<Position, StoreError>>),
    Rebuild(&'static str, Answer),
    TakeUp { projection: &'static str, key: String, skip: bool, answer: Answer },
}

/// The way to the sequencer's thread.
pub(crate) struct Sequencer {
    queue: mpsc::Sender<Request>,
}

impl Sequencer {
    /// Starts the thread. It ends when the last handle to it is dropped and everything queued is answered.
    pub(crate) fn start(
        log: Arc<dyn EventLog>,
        engine: Arc<Engine>,
        head: Arc<Head>,
        keeper: Arc<Keeper>,
        sizes: Sizes,
        figures: Figures,
        tie: Tie,
    ) -> Self {
        let (queue, requests) = mpsc::channel(sizes.queue);
        let runtime = tokio::runtime::Handle::current();
        let worker = batch::Worker::new(log, engine, head, keeper, sizes, figures, tie);
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
        self.queue.send(Request::Run(Box::new(job))).await.map_err(|_| CommandError::ShutDown)?;
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

    /// Folds into the inline views whatever they lack, and returns the position that they have reached.
    pub(crate) async fn catch_up(&self) -> Result<Position, StoreError> {
        let gone = || StoreError::Unavailable { store: "the app".into(), reason: "it is shutting down".into() };
        self.ask(Request::CatchUp, gone).await
    }

    /// Empties a projection and folds it anew from the whole log.
    pub(crate) async fn rebuild(&self, projection: &'static str) -> Result<Position, OperationError> {
        self.ask(|answer| Request::Rebuild(projection, answer), || OperationError::ShutDown).await
    }

    /// Takes a parked key up again, with the event that it is parked at or after it.
    pub(crate) async fn take_up(
        &self,
        projection: &'static str,
        key: &str,
        skip: bool,
    ) -> Result<Position, OperationError> {
        let key = key.to_owned();
        self.ask(|answer| Request::TakeUp { projection, key, skip, answer }, || OperationError::ShutDown).await
    }

    async fn ask<E>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<Position, E>>) -> Request,
        gone: impl Fn() -> E,
    ) -> Result<Position, E> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(request(answer)).await.map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// Appends events with their command records, folds the inline views, and commits.
pub(crate) async fn store(
    mut tx: Box<dyn LogTransaction>,
    engine: &Engine,
    events: &[RecordedEvent],
    records: &[CommandRecord],
    figures: &Figures,
) -> Result<(), StoreError> {
    let appending = figures.appending();
    let head = tx.head();
    catch_up(&mut *tx, engine, head, figures).await?;
    if !events.is_empty() || !records.is_empty() {
        tx.append(events, records).await?;
    }
    if let Some(last) = events.last()
        && let Some(views) = tx.views()
    {
        engine.apply(views, events, last.into()).await?;
        figures.folded(events);
    }
    tx.commit().await?;
    appending.done(events.len(), events.last().map_or(head, RecordedEvent::position));
    Ok(())
}

/// Folds into the inline views what others have appended up to `head`. Says whether there was anything.
async fn catch_up(
    tx: &mut dyn LogTransaction,
    engine: &Engine,
    head: Position,
    figures: &Figures,
) -> Result<bool, StoreError> {
    clear_lost(tx, engine).await?;
    let Some(views) = tx.views() else { return Ok(false) };
    let mut after = engine.lowest_checkpoint(views).await?;
    let behind = after < head;
    while after < head {
        let page = tx.read(&EventQuery::all(), after, PAGE).await?;
        let Some(views) = tx.views() else { break };
        if page.events.is_empty() {
            break;
        }
        engine.apply(views, &page.events, page.end()).await?;
        figures.folded(&page.events);
        after = page.up_to;
    }
    Ok(behind)
}
