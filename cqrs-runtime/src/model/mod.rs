//! The user's vocabulary: what annotated code names, and what it means.

pub mod aggregate;
pub mod boundary;
pub mod client;
pub mod consistency;
pub(crate) mod content;
pub mod error;
pub mod exposure;
pub mod message;
pub mod outcome;
pub(crate) mod parameter_info;
pub mod parameters;
pub mod receipt;
pub mod rejection;
pub mod remote_error;
pub mod snapshot;
pub mod workflow_error;
