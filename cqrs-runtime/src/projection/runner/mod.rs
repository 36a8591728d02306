//! Level 2: the task that keeps a read database in sync with the log.
//!
//! Each app has one such task. It acquires a lease on each group of projections that look each other up, and runs the groups that it got.
//! Groups at nearby positions share a pass over the log, and each pass gets one page in turn: a rebuild from the start neither stops what
//! is live nor reads the log once per view. Two passes that come close to each other merge. While a page is folded the next one is read.
//! Rows and checkpoints of a page are one transaction.
//!
//! A partitioned projection has a group for each partition, which shares passes with the others and is folded in a transaction of its
//! own, and one group that manages the partitions: see [`repartition`] and [`balance`].
//!
//! A failure affects one pass: its groups are then tried one by one, with growing pauses, without end. Nothing is skipped: positions are
//! read from the store again, under a lease that is acquired again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Engine;
use crate::model::error::OperationError;
use crate::projection::{Head, ProjectionInfo};
use cqrs_core::log::EventLog;
use cqrs_core::position::Position;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::ViewStore;

mod balance;
mod change;
mod group;
mod leases;
mod log_identity;
mod pending;
mod progress;
mod repartition;
mod requests;
mod scan;
mod status;
mod stored_state;
mod worker;

pub(super) use group::place_shadow;
pub(crate) use progress::{ProgressTable, ProjectionProgress};
pub use status::{PartitionStatus, Progress, ProjectionState, ProjectionStatus};
use worker::Worker;

/// Timing options of a runner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// How many events go into one transaction.
    pub(crate) batch: usize,
    /// How long a lease lasts. It is renewed three times in that time.
    pub(crate) lease: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { batch: 5_000, lease: Duration::from_secs(6) }
    }
}

/// How long building an app waits for its runner's first look at the read database.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// Sent after the first look at the read database: the error, if it is another log's.
type FirstLook = oneshot::Sender<Option<StoreError>>;

/// Why a runner cannot start.
pub(crate) enum NoStart {
    /// Projections look each other up in a circle.
    Circle(String),
    /// The read database is another log's.
    Foreign(StoreError),
}
/// The number of partitions of each partitioned projection, by name.
pub(crate) type Partitions = BTreeMap<&'static str, u32>;

type Answer<T> = oneshot::Sender<Result<T, OperationError>>;

/// A request to the runner.
enum Request {
    Look,
    Pause { projection: &'static str, paused: bool, answer: Answer<()> },
    Rebuild { projection: &'static str, answer: Answer<Position> },
    RetryKey { projection: &'static str, key: String, skip: bool, answer: Answer<()> },
}

/// A handle to the runner. When it is dropped, the runner releases its leases and ends.
pub(crate) struct Runner {
    requests: mpsc::Sender<Request>,
    progress_table: Arc<ProgressTable>,
    /// `None` once it has to end.
    at_work: Mutex<Option<AtWork>>,
}

/// The task, which ends when `alive` is dropped.
struct AtWork {
    alive: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Runner {
    /// Starts the task, and waits a short time for its first look at the read database.
    ///
    /// # Errors
    /// Projections look each other up in a circle, or the read database holds the views of another log.
    pub(crate) async fn start(
        projections: &[&'static ProjectionInfo],
        split: &Partitions,
        log: Arc<dyn EventLog>,
        store: Arc<dyn ViewStore>,
        head: &Arc<Head>,
        timing: Timing,
    ) -> Result<Self, NoStart> {
        let engines = || Engine::groups(projections).map_err(NoStart::Circle);
        let groups = engines()?.into_iter().zip(engines()?);
        let progress_table = Arc::new(ProgressTable::new(projections, Arc::clone(&log), Arc::clone(head)));
        let head = head.subscribe();
        let (requests, inbox) = mpsc::channel(64);
        let (alive, end) = oneshot::channel();
        let (looked, first_look) = oneshot::channel();
        let worker =
            Worker::new(groups, projections, split, log, store, Arc::clone(&progress_table), head, inbox, timing);
        let task = tokio::spawn(worker.run(end, looked));
        // The app starts even if the read database has not answered yet.
        if let Ok(Ok(Some(foreign))) = tokio::time::timeout(FIRST_LOOK, first_look).await {
            return Err(NoStart::Foreign(foreign));
        }
        let at_work = Mutex::new(Some(AtWork { alive, task }));
        Ok(Self { requests, progress_table, at_work })
    }

    /// Ends the task, and waits until it has released its leases.
    pub(crate) async fn end(&self) {
        let at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(AtWork { alive, task }) = at_work {
            drop(alive);
            // The task catches panics of its work. If it panicked itself, it has ended as well.
            let _ = task.await;
        }
    }

    /// Whether the task is running.
    pub(crate) fn is_at_work(&self) -> bool {
        !self.requests.is_closed()
    }

    /// The progress of the projections.
    pub(crate) fn progress_table(&self) -> &Arc<ProgressTable> {
        &self.progress_table
    }

    /// Makes it read the log at once: a caller knows of an event that this process has not seen.
    pub(crate) fn look(&self) {
        // A full queue means that it is about to read anyway.
        let _ = self.requests.try_send(Request::Look);
    }

    /// Pauses a projection, or lets it continue.
    pub(crate) async fn pause(&self, projection: &'static str, paused: bool) -> Result<(), OperationError> {
        self.ask(|answer| Request::Pause { projection, paused, answer }).await
    }

    /// Rebuilds a projection's view in a shadow build, and waits until the new rows are live.
    pub(crate) async fn rebuild(&self, projection: &'static str) -> Result<Position, OperationError> {
        self.ask(|answer| Request::Rebuild { projection, answer }).await
    }

    /// Resumes a parked key, with the event that it is parked at or after it.
    pub(crate) async fn retry_key(
        &self,
        projection: &'static str,
        key: &str,
        skip: bool,
    ) -> Result<(), OperationError> {
        let key = key.to_owned();
        self.ask(|answer| Request::RetryKey { projection, key, skip, answer }).await
    }

    async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, OperationError> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(request(answer)).await.map_err(|_| OperationError::ShutDown)?;
        answered.await.unwrap_or(Err(OperationError::ShutDown))
    }
}
