//! A log that counts reads of its pages. Reading a single event, as a status does, is not counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cqrs_runtime::log::{BoxFuture, EventLog, EventQuery, LogTransaction, MemoryLog, Page, Position, StoreError};

pub struct Counting {
    log: MemoryLog,
    reads: Reads,
}

#[derive(Clone, Default)]
pub struct Reads(Arc<AtomicUsize>);

impl Reads {
    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Counting {
    pub fn new(log: MemoryLog) -> Self {
        Self { log, reads: Reads::default() }
    }

    pub fn reads(&self) -> Reads {
        self.reads.clone()
    }
}

impl EventLog for Counting {
    fn describe(&self) -> String {
        self.log.describe()
    }
    fn read<'a>(
        &'a self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        if limit > 1 {
            self.reads.0.fetch_add(1, Ordering::SeqCst);
        }
        self.log.read(query, after, limit)
    }
    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
        self.log.head()
    }
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn LogTransaction>, StoreError>> {
        self.log.begin()
    }
}
