//! The log in memory keeps what a log promises.

use cqrs_runtime::log::{MemoryLog, conformance};
use cqrs_runtime::snapshot;
use cqrs_runtime::view::MemoryViews;
use cqrs_runtime::view_conformance::{self, Transactions};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_in_memory_conforms() {
    conformance::all(async || MemoryLog::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_views_in_memory_conform() {
    view_conformance::all(async || MemoryLog::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_snapshots_in_memory_conform() {
    snapshot::conformance::all(async || MemoryLog::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn views_in_memory_on_their_own_conform() {
    view_conformance::alone(async || MemoryViews::new(), Transactions::Locking).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn views_without_transactions_conform() {
    view_conformance::alone(async || crate::torn::torn_views(), Transactions::Buffered).await;
}
