//! CQRS202: a handler says which events it states
//!
//! The fault: `impl cqrs_runtime::Events`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<impl cqrs_runtime::Events, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
