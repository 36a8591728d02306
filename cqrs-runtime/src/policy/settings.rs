//! Settings of an app's policies.

use std::time::Duration;

/// The settings of the policies' runners.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Whether they run in this process.
    pub enabled: bool,
    /// How often an idle runner looks for events of other processes.
    pub poll: Duration,
    /// How a failing step is tried again.
    pub retry: RetryPolicy,
    /// How long another process may take for one event's effects.
    pub lease: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            poll: Duration::from_secs(1),
            retry: RetryPolicy::default(),
            lease: Duration::from_secs(30),
        }
    }
}

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often a policy tries an event whose failure may pass, and the pauses in between.
///
/// Each pause is twice as long as the one before, up to 30 seconds. After the last attempt the event is parked.
///
/// ```
/// use std::time::Duration;
/// use cqrs_runtime::policy::RetryPolicy;
///
/// let patient = RetryPolicy::new(20, Duration::from_millis(500));
/// assert_eq!(RetryPolicy::default(), RetryPolicy::new(10, Duration::from_millis(100)));
/// # assert_ne!(patient, RetryPolicy::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    first_pause: Duration,
}

impl RetryPolicy {
    /// `attempts` in all, of which the first is made at once: 0 and 1 mean that nothing is tried again. `first_pause` is the pause
    /// before the second attempt.
    #[must_use]
    pub const fn new(attempts: u32, first_pause: Duration) -> Self {
        Self { attempts, first_pause }
    }

    /// Whether another attempt follows this many.
    pub(crate) fn allows_more_than(self, attempts: u32) -> bool {
        attempts < self.attempts
    }

    /// The pause after this many failures, of which the first counts as zero.
    pub(crate) fn pause_after(self, failures: u32) -> Duration {
        self.first_pause.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE)
    }
}

/// 10 attempts, and a first pause of 100 milliseconds.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new(10, Duration::from_millis(100))
    }
}
