//! What an adapter's author needs, and nothing else: the log, the view store, and the vocabulary of both.

pub mod column;
pub mod database;
pub(crate) mod debug;
pub mod event;
pub mod event_list;
pub(crate) mod fnv;
pub mod id;
pub mod json;
pub mod log;
pub mod memory;
pub mod meta;
pub mod position;
pub mod random;
pub mod secrets;
pub(crate) mod shape;
pub mod snapshot;
pub mod store_error;
pub mod time;
pub mod trace_context;
pub mod view;
