//! What the tests across the crates of this workspace share: a small bank, and logs to run it on.

pub mod bank;
