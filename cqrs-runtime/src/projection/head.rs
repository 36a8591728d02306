//! The log's head as this process knows it, and detection of lost events.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use cqrs_core::log::EventLog;
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;

/// How long the head counts as known before it is read again.
const FRESH: Duration = Duration::from_secs(1);

/// The event up to which this process knows the log to be committed, including the views in the log's database (level
/// 1). Tasks that follow the log are woken when it moves.
pub(crate) struct Head {
    moved: watch::Sender<Position>,
    /// One more than the number of times that the log was found to have lost events.
    losses: AtomicU64,
    known: Mutex<Known>,
}

struct Known {
    last: Bookmark,
    /// When the log was last seen to reach this position.
    seen: Option<Instant>,
    /// The last known event that is lost, and the end of the log when that was noticed.
    lost: Option<(Bookmark, Bookmark)>,
}

impl Default for Head {
    fn default() -> Self {
        let known = Known { last: Bookmark::START, seen: None, lost: None };
        Self { moved: watch::Sender::new(Position::START), losses: AtomicU64::new(1), known: Mutex::new(known) }
    }
}

impl Head {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that an event was committed.
    pub(crate) fn raise(&self, last: Bookmark) {
        let mut known = self.known();
        if last.position >= known.last.position {
            (known.last, known.seen) = (last, Some(Instant::now()));
            self.tell(last.position);
        }
    }

    /// Records the log's last event, read under the log's lock. If it is before the known head, or another event, the log has
    /// lost events. Returns whether it has.
    pub(crate) fn learn(&self, last: Bookmark) -> bool {
        let known = self.known().last;
        let is_other = last.position == known.position && last.event != known.event && known.event.is_some();
        if last.position < known.position || is_other {
            self.lose(known, last);
            return true;
        }
        self.raise(last);
        false
    }

    /// Records that the log has lost a known event, and where the log ends.
    pub(crate) fn lose(&self, lost: Bookmark, last: Bookmark) {
        tracing::error!(%lost, %last, "log has lost events; dropping caches and rebuilding views");
        let mut known = self.known();
        self.losses.fetch_add(1, Ordering::SeqCst);
        *known = Known { last, seen: Some(Instant::now()), lost: Some((lost, last)) };
        self.tell(last.position);
    }

    /// Wakes the tasks that wait for the head to move.
    fn tell(&self, position: Position) {
        self.moved.send_if_modified(|head| std::mem::replace(head, position) != position);
    }

    /// The position.
    pub(crate) fn get(&self) -> Position {
        self.known().last.position
    }

    /// Whether the log reaches a position, as far as this process knows. It reads the head again at intervals, since the log may
    /// have lost events.
    pub(crate) async fn reaches(&self, position: Position, log: &dyn EventLog) -> Result<bool, StoreError> {
        let before = {
            let known = self.known();
            if known.last.position < position || known.seen.is_some_and(|seen| seen.elapsed() < FRESH) {
                return Ok(known.last.position >= position);
            }
            known.last
        };
        let last = log.last().await?;
        let unchanged = self.known().last == before;
        if last.position >= before.position {
            self.raise(last);
        } else if unchanged {
            // `before` was known before the log was read, so the log lacks it now.
            self.lose(before, last);
        }
        Ok(self.get() >= position)
    }

    /// One more than the number of times that the log was found to have lost events. State that was compared with the log at a smaller
    /// number must be compared again.
    pub(crate) fn losses(&self) -> u64 {
        self.losses.load(Ordering::SeqCst)
    }

    /// The last known event that is lost, and where the log ended then.
    pub(crate) fn lost(&self) -> Option<(Bookmark, Bookmark)> {
        self.known().lost
    }

    /// Confirms lost events. Returns whether there were any.
    pub(crate) fn dismiss_lost(&self) -> bool {
        self.known().lost.take().is_some()
    }

    /// Receives each new head, and ends when this is dropped.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Position> {
        self.moved.subscribe()
    }

    /// Makes tasks that wait for a move read the log themselves.
    pub(crate) fn wake(&self) {
        self.moved.send_modify(|_| {});
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(position: u64, event: u128) -> Bookmark {
        Bookmark::new(Position::new(position), Uuid::from_u128(event))
    }

    #[test]
    fn a_log_that_ends_earlier_or_at_another_event_has_lost_events() {
        for (known, found, is_lost) in [
            (at(5, 5), at(5, 5), false),
            (at(5, 5), at(9, 9), false),
            (at(5, 5), at(4, 4), true),
            (at(5, 5), at(5, 50), true),
        ] {
            let head = Head::default();
            let watched = head.subscribe();
            head.raise(known);
            head.learn(found);
            assert_eq!((head.lost().is_some(), head.get()), (is_lost, found.position), "{known}, then {found}");
            assert_eq!(*watched.borrow(), found.position);
            assert_eq!((head.dismiss_lost(), head.lost()), (is_lost, None));
        }
    }

    #[test]
    fn a_commit_that_is_reported_late_moves_nothing_back() {
        let head = Head::default();
        head.raise(at(7, 7));
        head.raise(at(6, 6));
        assert_eq!((head.get().get(), head.lost()), (7, None));
    }
}
