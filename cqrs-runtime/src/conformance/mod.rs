//! The contracts of the stores, executable: an adapter's tests call them.

pub mod log;
pub mod snapshots;
pub mod views;
