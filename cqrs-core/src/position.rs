//! Positions in the log, and bookmarks, which also name the event there.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A position in the log. The first event is at position 1. 0 is before every event, and the head of an empty log.
///
/// Positions come from other processes and over the wire, so no operation on them overflows: each saturates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// Before every event.
    pub const START: Self = Self(0);

    /// Beyond every event.
    pub const MAX: Self = Self(u64::MAX);

    /// The position with this number.
    #[must_use]
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The next position. [`MAX`](Self::MAX) has none, and returns itself.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The position before this one. [`START`](Self::START) has none, and returns itself.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The position `events` further on, at most [`MAX`](Self::MAX).
    #[must_use]
    pub const fn plus(self, events: u64) -> Self {
        Self(self.0.saturating_add(events))
    }

    /// The number of events after `earlier` up to here. 0 if `earlier` is the later one.
    ///
    /// ```
    /// use cqrs_runtime::Position;
    ///
    /// assert_eq!(Position::new(7).distance_from(Position::new(4)), 3);
    /// assert_eq!(Position::new(4).distance_from(Position::new(7)), 0);
    /// ```
    #[must_use]
    pub const fn distance_from(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u64> for Position {
    fn from(position: u64) -> Self {
        Self(position)
    }
}

impl From<Position> for u64 {
    fn from(position: Position) -> Self {
        position.0
    }
}

impl PartialEq<u64> for Position {
    fn eq(&self, other: &u64) -> bool {
        self.0 == *other
    }
}

impl PartialOrd<u64> for Position {
    fn partial_cmp(&self, other: &u64) -> Option<std::cmp::Ordering> {
        self.0.partial_cmp(other)
    }
}

/// A position, and the id of the event there.
///
/// A log may be restored from a backup, or fail over to a server that lacks the last events, and grow again: then the
/// same position is another event. So anything that stores a position stores a bookmark, and asks the log whether it
/// still [holds](super::log::EventLog::holds) it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Bookmark {
    /// The position.
    pub position: Position,
    /// The id of the event there. `None` at [`Position::START`], and where it was not recorded.
    pub event: Option<Uuid>,
}

impl Bookmark {
    /// Before every event. Every log holds it.
    pub const START: Self = Self { position: Position::START, event: None };

    /// The event with this id, at this position.
    #[must_use]
    pub const fn new(position: Position, event: Uuid) -> Self {
        Self { position, event: Some(event) }
    }

    /// Whether the log holds this bookmark. `found` is the id of the log's event at its position, if there is
    /// one.
    ///
    /// A bookmark without an id holds if there is any event at its position.
    #[must_use]
    pub fn agrees_with(&self, found: Option<Uuid>) -> bool {
        self.position == Position::START || found.is_some_and(|found| self.event.is_none_or(|event| event == found))
    }
}

impl From<Position> for Bookmark {
    /// A bookmark without the event's id.
    fn from(position: Position) -> Self {
        Self { position, event: None }
    }
}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event {
            Some(event) => write!(f, "{} (event {event})", self.position),
            None => self.position.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operation_on_positions_overflows() {
        assert_eq!(Position::MAX.next(), Position::MAX);
        assert_eq!(Position::START.previous(), Position::START);
        assert_eq!(Position::new(5).plus(u64::MAX), Position::MAX);
        assert_eq!(Position::START.distance_from(Position::MAX), 0);
        assert_eq!(Position::MAX.distance_from(Position::START), u64::MAX);
    }

    #[test]
    fn a_bookmark_agrees_with_its_own_event_only() {
        let (own, other) = (Uuid::now_v7(), Uuid::now_v7());
        let bookmark = Bookmark::new(Position::new(3), own);
        assert!(bookmark.agrees_with(Some(own)) && !bookmark.agrees_with(Some(other)) && !bookmark.agrees_with(None));
        let unnoted = Bookmark::from(Position::new(3));
        assert!(unnoted.agrees_with(Some(other)) && !unnoted.agrees_with(None));
        assert!(Bookmark::START.agrees_with(None));
    }
}
