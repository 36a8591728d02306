//! CQRS202: a handler says which events it states
//!
//! The fault: `Box<dyn std::any::Any + Send>`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Box<dyn std::any::Any + Send>, Refused> {
    Ok(Box::new(Shipped { order: cmd.order }))
}

fn main() {}
