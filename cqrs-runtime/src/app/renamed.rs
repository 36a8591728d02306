//! Former names of settings: programs that use them compile, with a warning that says the new name.

use std::time::Duration;

use super::AppBuilder;
use crate::policy::RetryPolicy;

#[doc(hidden)]
impl AppBuilder {
    #[must_use]
    #[deprecated(note = "renamed to `only_modules`")]
    pub fn only<P: Into<String>>(self, modules: impl IntoIterator<Item = P>) -> Self {
        self.only_modules(modules)
    }

    #[must_use]
    #[deprecated(note = "renamed to `command_queue_capacity`")]
    pub fn queue(self, commands: usize) -> Self {
        self.command_queue_capacity(commands)
    }

    #[must_use]
    #[deprecated(note = "renamed to `aggregate_cache_capacity`")]
    pub fn cached_aggregates(self, aggregates: usize) -> Self {
        self.aggregate_cache_capacity(aggregates)
    }

    #[must_use]
    #[deprecated(note = "renamed to `max_message_bytes`")]
    pub fn most_message_bytes(self, bytes: usize) -> Self {
        self.max_message_bytes(bytes)
    }

    #[must_use]
    #[deprecated(note = "renamed to `poll_interval`")]
    pub fn poll_every(self, interval: Duration) -> Self {
        self.poll_interval(interval)
    }

    #[must_use]
    #[deprecated(note = "use `policy_retry(RetryPolicy::new(attempts, first_pause))`")]
    pub fn policy_attempts(self, attempts: u32, first_pause: Duration) -> Self {
        self.policy_retry(RetryPolicy::new(attempts, first_pause))
    }

    #[must_use]
    #[deprecated(note = "renamed to `policy_lease`")]
    pub fn take_over_after(self, time: Duration) -> Self {
        self.policy_lease(time)
    }
}
