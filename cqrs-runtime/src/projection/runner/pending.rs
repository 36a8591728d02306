//! What operators have asked of a group of projections: plain data, which the group holds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Answer;
use crate::model::error::OperationError;
use crate::projection::replay::Replay;
use cqrs_core::position::Position;

/// An operator's request that is not done yet.
pub(super) enum PendingRequest {
    /// Rebuild the projection.
    Rebuild(Answer<Position>),
    /// Resume a parked key, with the event that it is parked at or after it.
    RetryKey { projection: &'static str, key: String, skip: bool, answer: Answer<()> },
}

impl PendingRequest {
    pub(super) fn refuse(self, error: OperationError) {
        match self {
            Self::Rebuild(answer) => drop(answer.send(Err(error))),
            Self::RetryKey { answer, .. } => drop(answer.send(Err(error))),
        }
    }
}

/// What operators have asked of a group.
#[derive(Default)]
pub(super) struct OperatorRequests {
    /// Requests that start as soon as this process holds the leases.
    pub(super) requests: VecDeque<PendingRequest>,
    /// When the oldest request arrived for which this process does not hold the leases.
    pub(super) requested_since: Option<Instant>,
    /// A parked key that is being resumed. The group does not move until then.
    pub(super) replay: Option<(Replay, Answer<()>)>,
    /// Rebuilds that have begun, with the callers that wait for them.
    pub(super) waiting: Vec<Waiting>,
}

impl OperatorRequests {
    /// Whether an operator asked for a rebuild.
    pub(super) fn want_rebuild(&self) -> bool {
        self.requests.iter().any(|request| matches!(request, PendingRequest::Rebuild(_)))
    }

    /// Refuses all pending requests.
    pub(super) fn refuse(&mut self, error: &OperationError) {
        for request in self.requests.drain(..) {
            request.refuse(error.clone());
        }
        if let Some((_, answer)) = self.replay.take() {
            let _ = answer.send(Err(error.clone()));
        }
    }
}

/// A caller that waits for a rebuild.
pub(super) struct Waiting {
    /// The position that an async projection must reach.
    pub(super) wanted: Position,
    pub(super) answer: Answer<Position>,
    /// The last known position, and since when.
    at: Position,
    since: Instant,
}

impl Waiting {
    pub(super) fn new(wanted: Position, answer: Answer<Position>) -> Self {
        Self { wanted, answer, at: Position::START, since: Instant::now() }
    }

    /// Whether it has progressed recently enough. `at`: its position, if known.
    pub(super) fn gets_on(&mut self, at: Option<Position>, patience: Duration) -> bool {
        if let Some(at) = at.filter(|at| *at != self.at) {
            (self.at, self.since) = (at, Instant::now());
        }
        self.since.elapsed() <= patience
    }
}

/// How far a rebuild has come.
pub(super) enum Rebuilt {
    /// It is finished, and live.
    Whole(Position),
    /// It is in progress.
    UpTo(Position),
}

impl Rebuilt {
    pub(super) fn of(at: Position, wanted: Position) -> Self {
        if at >= wanted { Self::Whole(at) } else { Self::UpTo(at) }
    }
}
