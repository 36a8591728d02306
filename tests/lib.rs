//! What the tests across the crates of this workspace share: a small bank, and choices that can be made again.

pub mod bank;
pub mod chance;
