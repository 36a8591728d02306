//! CQRS109: a command's error is as visible as the command
//!
//! The fault: `Closed`

include!("../shop.rs");

#[derive(Debug, thiserror::Error)]
#[error("closed")]
enum Closed {}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Closed)]
pub struct Open {}

fn main() {}
