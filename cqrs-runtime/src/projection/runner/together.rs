//! Futures side by side.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

/// The one or the other, whichever is first.
pub(crate) enum Either<A, B> {
    One(A),
    Other(B),
}

/// Runs two futures until one is done; the other is dropped.
pub(crate) async fn race<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> Either<A, B> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|cx| {
        if let Poll::Ready(done) = one.as_mut().poll(cx) {
            return Poll::Ready(Either::One(done));
        }
        other.as_mut().poll(cx).map(Either::Other)
    })
    .await
}

/// Runs two futures until both are done. The second is started first, so that it may wait while the first works.
pub(super) async fn both<A, B>(work: impl Future<Output = A>, wait: impl Future<Output = B>) -> (A, B) {
    let (mut work, mut wait) = (pin!(work), pin!(wait));
    let (mut worked, mut waited) = (None, None);
    poll_fn(|cx| {
        if waited.is_none() {
            waited = ready(wait.as_mut().poll(cx));
        }
        if worked.is_none() {
            worked = ready(work.as_mut().poll(cx));
        }
        match (worked.take(), waited.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (worked, waited) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}

/// Waits for the first of several.
pub(super) async fn any(mut futures: Vec<Pin<Box<dyn Future<Output = ()> + Send + '_>>>) {
    poll_fn(|cx| {
        let done = futures.iter_mut().any(|future| future.as_mut().poll(cx).is_ready());
        if done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
