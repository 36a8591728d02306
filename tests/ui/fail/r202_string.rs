//! CQRS202: a command handler returns no data
//!
//! The fault: `String`

include!("../shop.rs");

#[command]
fn ship(_cmd: Ship) -> Result<String, Refused> {
    Ok(Default::default())
}

fn main() {}
