//! The ways in: the command bus and the query bus, by type and by name, with their middleware.

pub(crate) mod awaiting;
pub(crate) mod command;
pub(crate) mod command_context;
pub(crate) mod handler;
pub mod middleware;
pub(crate) mod query;
pub(crate) mod query_context;
pub(crate) mod read_side;
pub(crate) mod services;
pub mod wire;
pub(crate) mod wire_error;
