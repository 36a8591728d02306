//! Detects that a server does not answer any more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The requests on a connection without an answer. If a server or its machine is stopped, its
/// statements do not end at their timeout, and the network may still acknowledge packets.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Mutex<Unanswered>>);

struct Unanswered {
    requests: usize,
    /// The time of the last answer, or of the first request after all were answered.
    since: Instant,
    limit: Duration,
}

/// A request without an answer, until it is dropped.
pub(crate) struct Request(Watch);

impl Watch {
    /// For a connection whose answers may take this long.
    pub(crate) fn new(limit: Duration) -> Self {
        Self(Arc::new(Mutex::new(Unanswered { requests: 0, since: Instant::now(), limit })))
    }

    fn lock(&self) -> MutexGuard<'_, Unanswered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how long answers may take from now on.
    pub(crate) fn allow(&self, limit: Duration) {
        self.lock().limit = limit;
    }

    /// Registers a request.
    pub(crate) fn request(&self) -> Request {
        let mut unanswered = self.lock();
        if unanswered.requests == 0 {
            unanswered.since = Instant::now();
        }
        unanswered.requests += 1;
        Request(self.clone())
    }

    /// Returns when a request has waited too long.
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
    async fn only_unanswered_requests_are_overdue() {
        let limit = Duration::from_millis(300);
        let watch = Watch::new(limit);
        let overdue = async |time| tokio::time::timeout(time, watch.overdue()).await.is_ok();
        assert!(!overdue(limit * 2).await, "there is no request");
        let (first, second) = (watch.request(), watch.request());
        assert!(!overdue(limit / 2).await, "there is time left");
        let answered = Instant::now();
        drop(first);
        watch.overdue().await;
        assert!(answered.elapsed() >= limit, "the limit starts with the last answer");
        drop(second);
        assert!(!overdue(limit * 2).await, "all are answered");
        let _third = watch.request();
        watch.allow(Duration::MAX);
        assert!(!overdue(limit * 2).await, "there is no limit");
    }
}
