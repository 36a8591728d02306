//! The log in memory keeps the guarantees of a log.

use cqrs_conformance::views::{self, Transactions};
use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::view::MemoryViews;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_in_memory_conforms() {
    cqrs_conformance::log::all(async || MemoryLog::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_views_in_memory_conform() {
    views::all(async || MemoryLog::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_snapshots_in_memory_conform() {
    cqrs_conformance::snapshots::all(async || MemoryLog::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn views_in_memory_on_their_own_conform() {
    views::alone(async || MemoryViews::new(), Transactions::Locking).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn views_without_transactions_conform() {
    views::alone(async || crate::torn_commits::torn_views(), Transactions::Buffered).await;
}
