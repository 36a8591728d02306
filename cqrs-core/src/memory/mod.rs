//! A log, a view store and a snapshot store in memory, for tests and examples.

mod log;
mod snapshots;
mod views;

pub use log::MemoryLog;
pub use views::MemoryViews;
