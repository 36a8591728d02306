//! How projections are doing, for whoever looks after them.

use super::standing::Standing;
use crate::log::Position;

/// How one projection is doing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProjectionStatus {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub state: ProjectionState,
    /// Every event up to here is in what queries read. [`Position::START`] while nothing is there to be read.
    pub position: Position,
    /// How many events of the log, of any name, it has not been through.
    pub lag_events: u64,
    /// How long ago the oldest event was recorded that it listens to and lacks, in seconds; 0 where there is none.
    pub lag_seconds: f64,
    /// How many events a second it has folded of late, in this process.
    pub rate: f64,
    /// What its last attempt failed with, if it has not succeeded since.
    pub last_error: Option<String>,
    /// How many of its keys are parked.
    pub parked: usize,
}

/// What a projection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProjectionState {
    /// Follows the log, or is folded with each command (level 1).
    Running,
    /// Is built anew beside what is read, and has come so far.
    Rebuilding(Position),
    /// Was told to hold still in this process.
    Paused,
    /// As a whole waits at an event, as an async projection does.
    Parked,
    /// Its last attempts failed, so many in a row; it is tried again.
    Failing(u32),
    /// Another process runs it.
    Elsewhere,
}

impl Standing {
    /// Where it stands, if this process runs it.
    pub(crate) fn reached(&self) -> Option<Position> {
        self.reached
    }

    /// What its last attempt failed with.
    pub(crate) fn error(&self) -> Option<String> {
        self.error.clone()
    }

    /// How many events a second it has folded of late.
    pub(crate) fn rate(self) -> f64 {
        self.rate.get()
    }

    pub(crate) fn state(&self, parked: bool) -> ProjectionState {
        match self.beside {
            _ if self.paused => ProjectionState::Paused,
            _ if self.failures > 0 => ProjectionState::Failing(self.failures),
            _ if self.elsewhere => ProjectionState::Elsewhere,
            _ if parked => ProjectionState::Parked,
            Some(at) => ProjectionState::Rebuilding(at),
            None => ProjectionState::Running,
        }
    }
}
