//! The user's vocabulary: what annotated code names, and what it means.

pub mod aggregate;
pub mod boundary;
pub mod consistency;
pub(crate) mod content;
pub mod error;
pub mod message;
pub mod outcome;
pub mod parameters;
pub mod receipt;
pub(crate) mod shape;
pub mod snapshot;
pub mod workflow_error;
