//! CQRS202: a handler returns events by their types
//!
//! The fault: `dyn Event`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Vec<Box<dyn Event>>, Refused> {
    Ok(Vec::new())
}

fn main() {}
