//! Options of a connection.

use std::fmt;
use std::time::Duration;

/// Options for [`MongoViews::builder`](crate::MongoViews::builder).
#[derive(Clone)]
#[must_use = "nothing is opened until `.open()` is awaited"]
pub struct MongoViewsBuilder {
    pub(crate) url: String,
    pub(crate) prefix: String,
    pub(crate) response_timeout: Duration,
}

/// Without the URL, which holds a password.
impl fmt::Debug for MongoViewsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoViewsBuilder")
            .field("prefix", &self.prefix)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}

impl MongoViewsBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), prefix: "cqrs.".to_owned(), response_timeout: Duration::from_secs(30) }
    }

    /// The prefix of the name of every collection of the store. Default: `cqrs.`.
    ///
    /// Stores with different prefixes are independent.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long to wait for an answer before it counts as lost. Default: 30 seconds.
    ///
    /// The search for a server ends after 5 seconds, or after the URL's `serverSelectionTimeoutMS`.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }
}
