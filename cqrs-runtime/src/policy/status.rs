//! How far the policies of this process have come.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::reaction::PolicyInfo;
use crate::error::OperationError;
use crate::log::{Bookmark, EventLog, Position};

/// How long an operator waits at most until his policy goes on.
const RESUMED: Duration = Duration::from_secs(5);

/// How far a policy has come in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyStatus {
    /// Its name.
    pub name: &'static str,
    /// Every event up to here has been handled.
    pub position: Position,
    /// What it is held up by, if it is: it tries again, unless it is [`stopped`](Self::stopped).
    pub error: Option<String>,
    /// Whether the log has lost an event that the policy has handled. It does nothing until an operator says from where it goes on:
    /// [`App::resume_policy`](crate::App::resume_policy).
    pub stopped: bool,
}

/// What a runner tells of itself.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) position: Bookmark,
    pub(super) error: Option<String>,
    /// Whether it waits for an operator.
    pub(super) stopped: bool,
}

/// A runner, as seen from the app.
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

    /// Turns true when they are to end.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Ends them between two events, or two attempts at one, within a time: one whose function is at work by then is cut off, and
    /// keeps its claim.
    pub(crate) async fn end(&self, within: Duration) {
        self.closing.send_replace(true);
        let deadline = Instant::now() + within;
        for running in self.running() {
            let task = running.task.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some(mut task) = task else { continue };
            if timeout_at(deadline, &mut task).await.is_err() {
                let policy = running.info.name;
                tracing::warn!(policy, "a policy was still at work when its app was closed: it is cut off");
                task.abort();
            }
        }
    }

    /// How far they have come.
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

    /// Those whose runners have ended.
    pub(crate) fn stopped(&self) -> Vec<&'static str> {
        let ended = |running: &&Running| running.state.has_changed().is_err();
        self.running().iter().filter(ended).map(|running| running.info.name).collect()
    }

    /// Waits until a policy that is run in this process goes on; not for long, should its store be away.
    pub(crate) async fn resumed(&self, info: &PolicyInfo) {
        for running in self.running().iter().filter(|running| running.info.owner == info.owner) {
            let mut state = running.state.clone();
            let _ = tokio::time::timeout(RESUMED, state.wait_for(|state| !state.stopped)).await;
        }
    }

    /// Waits until every policy has handled every event, those that come of it included.
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
            // A runner has sent its commands before it says that it is done: what they stated moved the head.
            if log.head().await? == head {
                return Ok(head);
            }
        }
    }
}
