//! What the subcommands do.

pub mod check;
pub mod databases;
pub mod load;
pub mod operate;
pub mod print;
pub mod sample;
pub mod tour;

/// Why a subcommand gave up.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
