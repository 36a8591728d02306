//! What an adapter's author needs, and nothing else: the log, the view store, and the vocabulary of both.

pub mod column;
pub(crate) mod debug;
pub mod event;
pub mod id;
pub mod json;
pub mod log;
pub mod memory;
pub mod meta;
pub mod position;
pub(crate) mod random;
pub mod secrets;
pub mod snapshot;
pub mod time;
pub mod view;
