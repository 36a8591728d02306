//! CQRS208: a handler is a plain function
//!
//! The fault: `const`

include!("../shop.rs");

#[command]
const fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
