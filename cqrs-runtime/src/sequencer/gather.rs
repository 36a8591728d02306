//! The pause before a batch, in which the callers of the last one can join it.

use std::thread;
use std::time::{Duration, Instant};

/// The longest pause, as a share of the time that the last batch took.
const SHARE: u32 = 10;

/// The longest pause.
const LONGEST: Duration = Duration::from_micros(500);

/// A thread sleeps at least about this long. Shorter pauses only yield.
const SLEEP: Duration = Duration::from_micros(50);

/// Waits until as many commands wait as the last batch had and as have come since, but never longer than a tenth of the time that
/// the batch took.
///
/// A caller that was answered often sends its next command at once. Without the pause, callers under load form two groups that
/// take turns, and each transaction has half of the commands that it could have.
pub(super) fn gather(answered: usize, took: Duration, most: usize, waiting: impl Fn() -> usize) {
    let expected = (answered + waiting()).min(most);
    if expected < 2 {
        // A single caller waits for nobody.
        return;
    }
    let (started, limit) = (Instant::now(), (took / SHARE).min(LONGEST));
    while waiting() < expected && started.elapsed() < limit {
        if limit > SLEEP * 3 {
            thread::sleep(SLEEP);
        } else {
            thread::yield_now();
        }
    }
}
