//! CQRS211: a handler returns what its command declares
//!
//! The fault: `Decision<Shipped, OrderId>`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Decision<Shipped, OrderId>, Refused> {
    Ok(emit(Shipped { order: cmd.order }).returning(cmd.order))
}

fn main() {}
