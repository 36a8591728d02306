//! CQRS202: a handler states events
//!
//! The fault: `ship`

include!("../shop.rs");

#[command]
fn ship(_cmd: Ship) {}

fn main() {}
