//! Whether a server still answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What was sent on a connection, and not answered. A server that is stopped, or whose machine is, ends no statement at its
/// timeout, and its network may go on acknowledging.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Mutex<Unanswered>>);

struct Unanswered {
    requests: usize,
    /// When the last answer came, or the first request was sent after all were answered.
    since: Instant,
    limit: Duration,
}

/// A request that is not answered, until it is dropped.
pub(crate) struct Request(Watch);

impl Watch {
    /// Of a connection whose answers may take so long.
    pub(crate) fn new(limit: Duration) -> Self {
        Self(Arc::new(Mutex::new(Unanswered { requests: 0, since: Instant::now(), limit })))
    }

    fn lock(&self) -> MutexGuard<'_, Unanswered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers may take so long from now on.
    pub(crate) fn allow(&self, limit: Duration) {
        self.lock().limit = limit;
    }

    /// A request is on its way.
    pub(crate) fn request(&self) -> Request {
        let mut unanswered = self.lock();
        if unanswered.requests == 0 {
            unanswered.since = Instant::now();
        }
        unanswered.requests += 1;
        Request(self.clone())
    }

    /// Returns when a request has waited for too long.
    pub(crate) async fn overdue(&self) {
        loop {
            let next = {
                let unanswered = self.lock();
                let since = if unanswered.requests == 0 { Instant::now() } else { unanswered.since };
                let next = since.checked_add(unanswered.limit);
                if unanswered.requests > 0 && next.is_some_and(|next| next <= Instant::now()) {
                    return;
                }
                next
            };
            match next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => std::future::pending().await,
            }
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut unanswered = self.0.lock();
        unanswered.requests -= 1;
        unanswered.since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_not_answered_is_overdue_and_what_is_answered_is_not() {
        let limit = Duration::from_millis(300);
        let watch = Watch::new(limit);
        let overdue = async |time| tokio::time::timeout(time, watch.overdue()).await.is_ok();
        assert!(!overdue(limit * 2).await, "nothing was asked");
        let (first, second) = (watch.request(), watch.request());
        assert!(!overdue(limit / 2).await, "there is time");
        let answered = Instant::now();
        drop(first);
        watch.overdue().await;
        assert!(answered.elapsed() >= limit, "the limit counts from the last answer");
        drop(second);
        assert!(!overdue(limit * 2).await, "all is answered");
        let _third = watch.request();
        watch.allow(Duration::MAX);
        assert!(!overdue(limit * 2).await, "it may take as long as it takes");
    }
}
