//! Commands that keep arriving.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cqrs_runtime::App;
use cqrs_runtime::log::EventLog;
use tokio::task::JoinSet;

use super::counters::{COUNTERS, Count, counter};

/// How many counters are counted.
pub const COUNTED: u32 = 12;

/// How many commands are under way at once.
const WRITERS: u32 = 4;

/// How far the load runs ahead of what reads it, in events: there is always something to fold, and never so much that a test
/// takes long.
const AHEAD: u64 = 300;

/// Writers, until they have to stop. What was acknowledged to them is counted.
pub struct Load {
    stop: Arc<AtomicBool>,
    writers: JoinSet<u64>,
    log: Arc<dyn EventLog>,
}

impl Load {
    /// Counts, as fast as `reached` allows.
    pub async fn start(log: &Arc<dyn EventLog>, reached: &Arc<AtomicU64>) -> Self {
        // It writes, and runs nothing: its own views are in another database than its log.
        let app = App::builder().log(Arc::clone(log)).only_modules([COUNTERS]).build().await.unwrap();
        let (stop, mut writers) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
        for writer in 0..WRITERS {
            let (app, stop, reached) = (app.clone(), Arc::clone(&stop), Arc::clone(reached));
            writers.spawn(async move {
                let mut acknowledged = 0;
                for number in 0.. {
                    // Each has counters of its own, and shares others.
                    let counter = counter((writer + number * 5) % COUNTED);
                    let at = app.commands().execute(Count { counter }).await.unwrap().position();
                    acknowledged += 1;
                    while at.get() > reached.load(Ordering::SeqCst) + AHEAD && !stop.load(Ordering::SeqCst) {
                        tokio::time::sleep(Duration::from_millis(2)).await;
                    }
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                }
                acknowledged
            });
        }
        Self { stop, writers, log: Arc::clone(log) }
    }

    /// Returns how many commands were acknowledged, and where the log ends.
    pub async fn stop(mut self) -> (u64, u64) {
        self.stop.store(true, Ordering::SeqCst);
        let mut acknowledged = 0;
        while let Some(ended) = self.writers.join_next().await {
            acknowledged += ended.unwrap();
        }
        (acknowledged, self.log.head().await.unwrap().get())
    }
}
