//! The log in memory keeps what a log promises.

use cqrs_runtime::log::{MemoryLog, conformance};
use cqrs_runtime::{snapshot, view_conformance};

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
