//! How projections are doing, for whoever looks after them.

use std::time::Duration;

use super::progress::ProjectionProgress;
use crate::projection::Stored;
use cqrs_core::position::Position;

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
    /// How many events a second it has folded of late, in this process. 0 at level 1, where commands fold.
    pub rate: f64,
    /// How many positions of the log a second it has gone through of late, in this process; where a view is built anew, that
    /// one. More than [`rate`](Self::rate), where events are not its own. 0 at level 1.
    pub pace: f64,
    /// Whether it lacks events and no process runs it: the one that did has ended, or has lost its lease. Another takes it over.
    pub is_unattended: bool,
    /// What its last attempt failed with, if it has not succeeded since; or why another process runs it as it is.
    pub last_error: Option<String>,
    /// How many of its keys are parked.
    pub parked: usize,
    /// Whether its view answers: one that is built for the first time does not. Of an async projection always `true`.
    pub built: bool,
    /// Its parts, where the read database has it [split](crate::AppBuilder::partitions). Its own position is that of the last
    /// of them.
    pub partitions: Vec<PartitionStatus>,
    /// Where the view stands that is built anew, if one is.
    pub(crate) shadow: Option<Position>,
}

/// How far a projection has come on its way through the log, or its rebuild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// It has gone through the events up to here.
    pub at: Position,
    /// The log's last event.
    pub of: Position,
    /// How long it takes from here, as fast as it went of late. `None` where that is not known, as in its first second.
    pub time_left: Option<Duration>,
}

impl Progress {
    /// From 0 to 1, which means that it is there.
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

    /// How far it has come: where a view is built anew, that one.
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

/// How one part of a projection is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionStatus {
    /// Every event up to here that is about its keys is in what queries read.
    pub position: Position,
    /// Whether this process runs it.
    pub here: bool,
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
    /// Is built for the first time, and has come so far: its queries are refused until it is there.
    Building(Position),
}

impl ProjectionProgress {
    /// Where it stands, if this process runs it.
    pub(crate) fn reached(&self) -> Option<Position> {
        self.reached
    }

    /// Its parts, as the store has them.
    pub(crate) fn partitions(progress: Option<&Self>, stored: &Stored) -> Vec<PartitionStatus> {
        if stored.number() < 2 {
            return Vec::new();
        }
        let here = |place: usize| progress.and_then(|progress| progress.parts.get(place)).is_some_and(|part| part.held);
        let of = |(place, position)| PartitionStatus { position, here: here(place) };
        stored.positions().into_iter().enumerate().map(of).collect()
    }

    /// What its last attempt failed with.
    pub(crate) fn error(&self) -> Option<String> {
        self.error.clone().or_else(|| self.lost.clone())
    }

    /// How many events a second it has folded of late.
    pub(crate) fn rate(&self) -> f64 {
        self.rate.clone().get()
    }

    /// How many positions a second it has gone through of late.
    pub(crate) fn pace(&self) -> f64 {
        self.pace[usize::from(self.shadow.is_some())].clone().get()
    }

    /// Where the view stands that is built anew.
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
