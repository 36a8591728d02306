//! CQRS201: a command handler begins with a command
//!
//! The fault: `ship`

include!("../shop.rs");

#[command]
fn ship() -> Result<Shipped, Refused> {
    Err(Refused)
}

fn main() {}
