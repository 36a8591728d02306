//! Level 2: the task that keeps a read database in step with the log.
//!
//! One task an app. It takes a lease on each projection (and on those that it is connected with by look-ups, together), and
//! runs those that it got: it clusters them by position into passes over the log, and gives each pass one page in turn, so
//! that a rebuild from the start neither stops what is live nor reads the log once a view. Two that come close to each other go on
//! as one. While a page is folded the next one is read. Rows and checkpoints of a page are one transaction.
//!
//! A projection that is split by key has a unit for each part, which reads the log with the others and is folded in a transaction of
//! its own, and one that keeps the parts together: see [`repartition`] and [`balance`].
//!
//! A failure is the failure of one pass: its projections are tried one by one, with growing pauses, for ever. Nothing is
//! skipped: positions are read from the store again, under a lease that is asked for again.

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
mod leases;
mod log_identity;
mod progress;
mod repartition;
mod requests;
mod scan;
mod status;
mod stored_state;
mod unit;
mod worker;

pub(crate) use progress::{Standing, Standings};
pub use status::{PartitionStatus, Progress, ProjectionState, ProjectionStatus};
pub(super) use unit::place_shadow;
use worker::Worker;

/// How a runner goes about its work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How many events go into one transaction.
    pub(crate) batch: usize,
    /// How long a lease lasts; it is renewed three times in that time.
    pub(crate) lease: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { batch: 5_000, lease: Duration::from_secs(6) }
    }
}

/// How long an app waits, when it is built, for its runner to have looked at the read database.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// Told once the read database was looked at: what is wrong with it, if it is another log's.
type FirstLook = oneshot::Sender<Option<StoreError>>;

/// Why a runner cannot start.
pub(crate) enum NoStart {
    /// Projections look each other up in a circle.
    Circle(String),
    /// The read database is another log's.
    Foreign(StoreError),
}
/// Into how many parts projections are split, those that are, by name.
pub(crate) type Partitions = BTreeMap<&'static str, u32>;

type Answer<T> = oneshot::Sender<Result<T, OperationError>>;

/// What a runner is asked for.
enum Request {
    Look,
    Pause { projection: &'static str, paused: bool, answer: Answer<()> },
    Rebuild { projection: &'static str, answer: Answer<Position> },
    TakeUp { projection: &'static str, key: String, skip: bool, answer: Answer<()> },
}

/// The way to the runner. When it is dropped, the runner gives its leases back and ends.
pub(crate) struct Runner {
    requests: mpsc::Sender<Request>,
    standings: Arc<Standings>,
    /// Until it is told to end.
    at_work: Mutex<Option<AtWork>>,
}

/// The task, which ends when `alive` is dropped.
struct AtWork {
    alive: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Runner {
    /// Starts the task, and waits until it has looked at the read database; not for long, should that be away.
    ///
    /// # Errors
    /// Projections look each other up in a circle, or the read database holds the views of another log.
    pub(crate) async fn start(
        projections: &[&'static ProjectionInfo],
        split: &Partitions,
        log: Arc<dyn EventLog>,
        store: Arc<dyn ViewStore>,
        head: &Arc<Head>,
        pace: Pace,
    ) -> Result<Self, NoStart> {
        let engines = || Engine::units(projections).map_err(NoStart::Circle);
        let units = engines()?.into_iter().zip(engines()?);
        let standings = Arc::new(Standings::new(projections, Arc::clone(&log), Arc::clone(head)));
        let head = head.subscribe();
        let (requests, inbox) = mpsc::channel(64);
        let (alive, end) = oneshot::channel();
        let (looked, first_look) = oneshot::channel();
        let worker = Worker::new(units, projections, split, log, store, Arc::clone(&standings), head, inbox, pace);
        let task = tokio::spawn(worker.run(end, looked));
        // Late or not: the app is there without it.
        if let Ok(Ok(Some(foreign))) = tokio::time::timeout(FIRST_LOOK, first_look).await {
            return Err(NoStart::Foreign(foreign));
        }
        let at_work = Mutex::new(Some(AtWork { alive, task }));
        Ok(Self { requests, standings, at_work })
    }

    /// Ends the task, and waits until it has given its leases back.
    pub(crate) async fn end(&self) {
        let at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(AtWork { alive, task }) = at_work {
            drop(alive);
            // It catches the panics of its work; should it end by one of its own, it has ended.
            let _ = task.await;
        }
    }

    /// Whether it has not ended.
    pub(crate) fn is_at_work(&self) -> bool {
        !self.requests.is_closed()
    }

    /// What is known of the projections.
    pub(crate) fn standings(&self) -> &Arc<Standings> {
        &self.standings
    }

    /// Lets it look at the log at once: somebody has heard of an event that this process does not know.
    pub(crate) fn look(&self) {
        // With so much to do already, it looks by itself.
        let _ = self.requests.try_send(Request::Look);
    }

    /// Holds a projection still, or lets it go on.
    pub(crate) async fn pause(&self, projection: &'static str, paused: bool) -> Result<(), OperationError> {
        self.ask(|answer| Request::Pause { projection, paused, answer }).await
    }

    /// Builds a projection's view anew beside the one that is read, and waits until it has taken its place.
    pub(crate) async fn rebuild(&self, projection: &'static str) -> Result<Position, OperationError> {
        self.ask(|answer| Request::Rebuild { projection, answer }).await
    }

    /// Takes a parked key up again, with the event that it is parked at or after it.
    pub(crate) async fn take_up(&self, projection: &'static str, key: &str, skip: bool) -> Result<(), OperationError> {
        let key = key.to_owned();
        self.ask(|answer| Request::TakeUp { projection, key, skip, answer }).await
    }

    async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, OperationError> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(request(answer)).await.map_err(|_| OperationError::ShutDown)?;
        answered.await.unwrap_or(Err(OperationError::ShutDown))
    }
}
