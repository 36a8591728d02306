//! CQRS109: a command's error is as visible as the command: what to write instead.

include!("../shop.rs");

#[derive(Debug, thiserror::Error)]
#[error("closed")]
pub enum Closed {}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Closed)]
pub struct Open {}
