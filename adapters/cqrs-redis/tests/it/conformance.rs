//! The conformance suite of view stores, on Redis.

use cqrs_conformance::views::{self, Transactions};

use crate::support::views;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_views_conform() {
    views::alone(views, Transactions::Buffered).await;
}
