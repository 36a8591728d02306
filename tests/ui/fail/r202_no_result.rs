//! CQRS202: a handler may refuse
//!
//! The fault: `Shipped`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Shipped {
    Shipped { order: cmd.order }
}

fn main() {}
