//! The ways in: the command bus and the query bus, by type and by name, with their middleware.

pub(crate) mod awaiting;
pub(crate) mod command;
pub(crate) mod command_context;
pub mod middleware;
pub(crate) mod query;
pub(crate) mod query_context;
pub mod wire;
