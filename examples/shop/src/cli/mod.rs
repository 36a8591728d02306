//! The subcommands.

pub mod check;
pub mod databases;
pub mod load;
pub mod operate;
pub mod print;
pub mod sample;
pub mod serve;
pub mod tour;

/// The error of a subcommand.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
