//! How far the policies of this process have come.

use std::sync::OnceLock;

use tokio::sync::watch;

use super::reaction::PolicyInfo;
use crate::log::{Bookmark, EventLog, Position, StoreError};

/// How far a policy has come in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyStatus {
    /// Its name.
    pub name: &'static str,
    /// Every event up to here has been handled.
    pub position: Position,
    /// What it is held up by, if it is: it tries again.
    pub error: Option<String>,
}

/// What a runner tells of itself.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) position: Bookmark,
    pub(super) error: Option<String>,
}

/// A runner, as seen from the app.
pub(super) struct Running {
    pub(super) info: &'static PolicyInfo,
    pub(super) state: watch::Receiver<State>,
}

/// The runners of this process.
#[derive(Default)]
pub(crate) struct Policies(OnceLock<Vec<Running>>);

impl Policies {
    pub(super) fn set(&self, running: Vec<Running>) {
        // An app is started once.
        let _ = self.0.set(running);
    }

    fn running(&self) -> &[Running] {
        self.0.get().map_or(&[], Vec::as_slice)
    }

    /// How far they have come.
    pub(crate) fn status(&self) -> Vec<PolicyStatus> {
        let one = |running: &Running| {
            let state = running.state.borrow().clone();
            PolicyStatus { name: running.info.name, position: state.position.position, error: state.error }
        };
        self.running().iter().map(one).collect()
    }

    /// Those whose runners have ended.
    pub(crate) fn stopped(&self) -> Vec<&'static str> {
        let ended = |running: &&Running| running.state.has_changed().is_err();
        self.running().iter().filter(ended).map(|running| running.info.name).collect()
    }

    /// Waits until every policy has handled every event, those that come of it included.
    pub(crate) async fn settled(&self, log: &dyn EventLog, known: usize) -> Result<Position, StoreError> {
        let failed = |reason: String| StoreError::Failed { store: "the app".into(), reason };
        if self.running().len() < known {
            return Err(failed(
                "its policies are not run in this process, which cannot know when they are done".into(),
            ));
        }
        loop {
            let head = log.head().await?;
            for running in self.running() {
                let reached = running.state.clone().wait_for(|state| state.position.position >= head).await.map(drop);
                let stopped =
                    || failed(format!("policy `{}` has stopped: the app is shutting down", running.info.name));
                reached.map_err(|_| stopped())?;
            }
            // A runner has sent its commands before it says that it is done: what they stated moved the head.
            if log.head().await? == head {
                return Ok(head);
            }
        }
    }
}
