//! CQRS208: a handler is a plain function
//!
//! The fault: `unsafe`

include!("../shop.rs");

#[command]
unsafe fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
