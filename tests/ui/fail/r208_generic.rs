//! CQRS208: a handler is a plain function
//!
//! The fault: `T: Default`

include!("../shop.rs");

#[command]
fn ship<T: Default>(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
