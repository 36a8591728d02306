//! The progress of the policies of this process.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::reaction::PolicyInfo;
use crate::model::error::OperationError;
use cqrs_core::log::EventLog;
use cqrs_core::position::{Bookmark, Position};

/// How long `resume_policy` waits at most until the policy goes on.
const RESUMED: Duration = Duration::from_secs(5);

/// The progress of a policy in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyStatus {
    /// Its name.
    pub name: &'static str,
    /// Every event up to here has been handled.
    pub position: Position,
    /// Why it fails, if it does. It retries, unless it is [`stopped`](Self::stopped).
    pub error: Option<String>,
    /// Whether the log has lost an event that the policy has handled. It does nothing until an operator calls
    /// [`App::resume_policy`](crate::App::resume_policy).
    pub stopped: bool,
}

/// The state that a runner publishes.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) position: Bookmark,
    pub(super) error: Option<String>,
    /// Whether it waits for an operator.
    pub(super) stopped: bool,
}

/// A runner, as the app sees it.
pub(super) struct Running {
    pub(super) info: &'static PolicyInfo,
    pub(super) state: watch::Receiver<State>,
    pub(super) task: Mutex<Option<JoinHandle<()>>>,
}

/// The runners of this process.
#[derive(Default)]
pub(crate) struct Policies {
    running: OnceLock<Vec<Running>>,
    closing: watch::Sender<bool>,
}

impl Policies {
    pub(super) fn set(&self, running: Vec<Running>) {
        // An app is started once.
        let _ = self.running.set(running);
    }

    fn running(&self) -> &[Running] {
        self.running.get().map_or(&[], Vec::as_slice)
    }

    /// Becomes `true` when the runners are to end.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Ends the runners between two events, or two attempts at one, within a time. A runner whose function is still running then
    /// is cut off, and keeps its claim.
    pub(crate) async fn end(&self, within: Duration) {
        self.closing.send_replace(true);
        let deadline = Instant::now() + within;
        for running in self.running() {
            let task = running.task.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some(mut task) = task else { continue };
            if timeout_at(deadline, &mut task).await.is_err() {
                let policy = running.info.name;
                tracing::warn!(policy, "policy still running at close; cut off");
                task.abort();
            }
        }
    }

    /// The progress of each policy.
    pub(crate) fn status(&self) -> Vec<PolicyStatus> {
        let one = |running: &Running| {
            let state = running.state.borrow().clone();
            PolicyStatus {
                name: running.info.name,
                position: state.position.position,
                error: state.error,
                stopped: state.stopped,
            }
        };
        self.running().iter().map(one).collect()
    }

    /// The policies whose runners have ended.
    pub(crate) fn stopped(&self) -> Vec<&'static str> {
        let ended = |running: &&Running| running.state.has_changed().is_err();
        self.running().iter().filter(ended).map(|running| running.info.name).collect()
    }

    /// Waits until a policy of this process goes on; not for long, in case its store is unavailable.
    pub(crate) async fn resumed(&self, info: &PolicyInfo) {
        for running in self.running().iter().filter(|running| running.info.owner == info.owner) {
            let mut state = running.state.clone();
            let _ = tokio::time::timeout(RESUMED, state.wait_for(|state| !state.stopped)).await;
        }
    }

    /// Waits until every policy has handled every event, including the events of its own commands.
    pub(crate) async fn settled(&self, log: &dyn EventLog, known: usize) -> Result<Position, OperationError> {
        if self.running().len() < known {
            return Err(OperationError::NoPolicies);
        }
        loop {
            let head = log.head().await?;
            for running in self.running() {
                let name = running.info.name;
                let mut state = running.state.clone();
                let reached = state.wait_for(|state| state.stopped || state.position.position >= head).await;
                match reached.as_deref() {
                    Ok(State { stopped: true, error, .. }) => {
                        let (policy, error) = (name.to_owned(), error.clone().unwrap_or_default());
                        return Err(OperationError::PolicyStopped { policy, error });
                    }
                    Ok(_) => {}
                    Err(_) => return Err(OperationError::ShutDown),
                }
            }
            // A runner sends its commands before it reports that it is done, so their events have moved the
            // head by now.
            if log.head().await? == head {
                return Ok(head);
            }
        }
    }
}
