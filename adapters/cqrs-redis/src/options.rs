//! Options of a connection.

use std::fmt;
use std::time::Duration;

/// Options for [`RedisViews::builder`](crate::RedisViews::builder).
#[derive(Clone)]
#[must_use = "nothing is opened until `.open()` is awaited"]
pub struct RedisViewsBuilder {
    pub(crate) url: String,
    pub(crate) prefix: String,
    pub(crate) response_timeout: Duration,
}

/// Without the URL, which holds a password.
impl fmt::Debug for RedisViewsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisViewsBuilder")
            .field("prefix", &self.prefix)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}

impl RedisViewsBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), prefix: "cqrs:".to_owned(), response_timeout: Duration::from_secs(30) }
    }

    /// The prefix of every key of the store. Default: `cqrs:`.
    ///
    /// Stores with different prefixes are independent, unless one prefix begins with the other: end
    /// each with a colon.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long to wait for a connection, and for each answer. Default: 30 seconds.
    ///
    /// When it runs out, the call fails with
    /// [`Unavailable`](cqrs_core::store_error::StoreError::Unavailable).
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }
}
