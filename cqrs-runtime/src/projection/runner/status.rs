//! The status of projections, for operators.

use std::time::Duration;

use super::progress::ProjectionProgress;
use crate::projection::Stored;
use cqrs_core::position::Position;

/// The status of one projection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProjectionStatus {
    /// Its name.
    pub name: &'static str,
    /// Its current state.
    pub state: ProjectionState,
    /// Queries see every event up to this position. [`Position::START`] while there is nothing to read.
    pub position: Position,
    /// Events in the log, of any name, that it has not yet processed.
    pub lag_events: u64,
    /// The age, in seconds, of the oldest event that it listens to and has not processed. 0 if there is none.
    pub lag_seconds: f64,
    /// Events per second that it folded recently in this process. 0 at level 1, where commands fold.
    pub rate: f64,
    /// Log positions per second that it processed recently in this process.
    ///
    /// During a rebuild, the pace of the shadow build. Greater than [`rate`](Self::rate) if the log has events that it does not
    /// listen to. 0 at level 1.
    pub pace: f64,
    /// Whether it has events to process and no process runs it.
    ///
    /// The previous process has ended or has lost its lease. Another process will acquire it.
    pub is_unattended: bool,
    /// The error of its last attempt, if it has not succeeded since; or the reason why another process keeps it unchanged.
    pub last_error: Option<String>,
    /// The number of its parked keys.
    pub parked: usize,
    /// Whether its view can be queried. `false` during its first build. Always `true` for an async projection.
    pub built: bool,
    /// Its partitions, if the read database has it [partitioned](crate::AppBuilder::partitions).
    ///
    /// The projection's own position is that of the partition that is furthest behind.
    pub partitions: Vec<PartitionStatus>,
    /// The position of the shadow build, if there is one.
    pub(crate) shadow: Option<Position>,
}

/// How much of the log a projection, or its rebuild, has processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// It has processed the events up to here.
    pub at: Position,
    /// The log's last event.
    pub of: Position,
    /// The estimated time left at its recent pace. `None` if unknown, as in its first second.
    pub time_left: Option<Duration>,
}

impl Progress {
    /// From 0 to 1. 1 means that it is up to date.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a share is for reading")]
    pub fn fraction(&self) -> f64 {
        if self.of == Position::START { 1.0 } else { self.at.get() as f64 / self.of.get() as f64 }
    }
}

impl ProjectionStatus {
    /// The log's last event.
    pub(crate) fn head(&self) -> Position {
        self.position.plus(self.lag_events)
    }

    /// Its progress. During a rebuild, the progress of the shadow build.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn progress(&self) -> Progress {
        let of = self.head();
        let at = self.shadow.unwrap_or(self.position).min(of);
        let left = of.distance_from(at);
        let time_left = match left {
            0 => Some(Duration::ZERO),
            // Without a pace there is no number of seconds.
            left => Duration::try_from_secs_f64(left as f64 / self.pace).ok(),
        };
        Progress { at, of, time_left }
    }
}

/// The status of one partition of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionStatus {
    /// Queries see every event of its keys up to this position.
    pub position: Position,
    /// Whether this process runs it.
    pub here: bool,
}

/// The state of a projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProjectionState {
    /// Follows the log, or is folded with each command (level 1).
    Running,
    /// Is being rebuilt in a shadow build, which is at this position.
    Rebuilding(Position),
    /// Is paused in this process.
    Paused,
    /// Is parked as a whole at an event. Only async projections are.
    Parked,
    /// Its last attempts failed, this many in a row. It is retried.
    Failing(u32),
    /// Another process runs it.
    Elsewhere,
    /// Is being built for the first time and is at this position. Its queries are refused until it is built.
    Building(Position),
}

impl ProjectionProgress {
    /// Its position, if this process runs it.
    pub(crate) fn reached(&self) -> Option<Position> {
        self.reached
    }

    /// Its partitions, as stored.
    pub(crate) fn partitions(progress: Option<&Self>, stored: &Stored) -> Vec<PartitionStatus> {
        if stored.number() < 2 {
            return Vec::new();
        }
        let here = |place: usize| progress.and_then(|progress| progress.parts.get(place)).is_some_and(|part| part.held);
        let of = |(place, position)| PartitionStatus { position, here: here(place) };
        stored.positions().into_iter().enumerate().map(of).collect()
    }

    /// The error of its last attempt.
    pub(crate) fn error(&self) -> Option<String> {
        self.error.clone().or_else(|| self.lost.clone())
    }

    /// Events per second that it folded recently.
    pub(crate) fn rate(&self) -> f64 {
        self.rate.clone().get()
    }

    /// Log positions per second that it processed recently.
    pub(crate) fn pace(&self) -> f64 {
        self.pace[usize::from(self.shadow.is_some())].clone().get()
    }

    /// The position of the shadow build, if there is one.
    pub(crate) fn shadow(&self) -> Option<Position> {
        self.shadow
    }

    pub(crate) fn state(&self, parked: bool) -> ProjectionState {
        match self.shadow {
            _ if self.paused => ProjectionState::Paused,
            _ if self.failures > 0 => ProjectionState::Failing(self.failures),
            _ if self.elsewhere => ProjectionState::Elsewhere,
            _ if parked => ProjectionState::Parked,
            Some(at) => ProjectionState::Rebuilding(at),
            None => ProjectionState::Running,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(position: u64, lag_events: u64, shadow: Option<u64>, pace: f64) -> ProjectionStatus {
        ProjectionStatus {
            name: "Orders",
            state: ProjectionState::Running,
            position: Position::new(position),
            lag_events,
            lag_seconds: 0.0,
            is_unattended: false,
            last_error: None,
            rate: 0.0,
            pace,
            parked: 0,
            built: true,
            partitions: Vec::new(),
            shadow: shadow.map(Position::new),
        }
    }

    #[test]
    fn progress_is_that_of_the_build_that_is_furthest_behind() {
        let rebuilt = status(1_000, 0, Some(250), 50.0).progress();
        assert_eq!(
            (rebuilt.at.get(), rebuilt.of.get(), rebuilt.time_left),
            (250, 1_000, Some(Duration::from_secs(15)))
        );
        assert!((rebuilt.fraction() - 0.25).abs() < f64::EPSILON);
        let catching_up = status(600, 400, None, 100.0).progress();
        assert_eq!((catching_up.at.get(), catching_up.time_left), (600, Some(Duration::from_secs(4))));
    }

    #[test]
    fn without_a_pace_nobody_knows_how_long_it_takes() {
        assert_eq!(status(0, 10, None, 0.0).progress().time_left, None);
        assert_eq!(status(0, u64::MAX, None, 1e-300).progress().time_left, None);
        let empty = status(0, 0, None, 0.0).progress();
        assert!((empty.fraction() - 1.0).abs() < f64::EPSILON && empty.time_left == Some(Duration::ZERO));
    }
}
