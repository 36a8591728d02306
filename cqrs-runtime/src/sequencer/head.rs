//! How far this process knows the log, and whether the log still is what it knew.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::log::{Bookmark, EventLog, Position, StoreError};

/// For how long the end of the log counts as known without asking again.
const FRESH: Duration = Duration::from_secs(1);

/// The event up to which this process knows the log to be committed, with the views inside it (level 1). Whoever follows
/// the log is woken when it moves.
pub(crate) struct Head {
    moved: watch::Sender<Position>,
    /// One more than how often the log was found to have lost events.
    losses: AtomicU64,
    known: Mutex<Known>,
}

struct Known {
    last: Bookmark,
    /// When the log was last seen to reach that far.
    seen: Option<Instant>,
    /// The last event that was known and is lost, and where the log ended when that was noticed.
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

    /// Learns that an event was committed.
    pub(crate) fn raise(&self, last: Bookmark) {
        let mut known = self.known();
        if last.position >= known.last.position {
            (known.last, known.seen) = (last, Some(Instant::now()));
            self.tell(last.position);
        }
    }

    /// Learns, under the log's lock, which event is its last. Where that is before what was known, or another event, the log has
    /// lost events.
    /// Says whether it has.
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

    /// Learns that the log lacks an event that was known, and ends at another.
    pub(crate) fn lose(&self, lost: Bookmark, last: Bookmark) {
        tracing::error!(%lost, %last, "the log has lost events: caches are dropped, and views rebuilt");
        let mut known = self.known();
        self.losses.fetch_add(1, Ordering::SeqCst);
        *known = Known { last, seen: Some(Instant::now()), lost: Some((lost, last)) };
        self.tell(last.position);
    }

    /// Wakes those who wait for the head to move.
    fn tell(&self, position: Position) {
        self.moved.send_if_modified(|head| std::mem::replace(head, position) != position);
    }

    /// The position.
    pub(crate) fn get(&self) -> Position {
        self.known().last.position
    }

    /// Whether the log reaches a position, as far as this process knows. Now and then it looks again: the log may have lost what it
    /// had.
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
            // What was known before the log was asked, the answer would hold.
            self.lose(before, last);
        }
        Ok(self.get() >= position)
    }

    /// One more than how often the log was found to have lost events: what was compared with it at a smaller number, or never, is to be
    /// compared again.
    pub(crate) fn losses(&self) -> u64 {
        self.losses.load(Ordering::SeqCst)
    }

    /// The last event that was known and is lost, and where the log ended then.
    pub(crate) fn lost(&self) -> Option<(Bookmark, Bookmark)> {
        self.known().lost
    }

    /// An operator has seen it.
    pub(crate) fn dismiss_lost(&self) -> bool {
        self.known().lost.take().is_some()
    }

    /// Tells of each move, and when this is gone.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Position> {
        self.moved.subscribe()
    }

    /// Makes those that wait for a move look at the log themselves.
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
