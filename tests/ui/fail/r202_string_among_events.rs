//! CQRS202: a command handler returns no data among its events
//!
//! The fault: `(Shipped, String)`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<(Shipped, String), Refused> {
    Ok((Shipped { order: cmd.order }, Default::default()))
}

fn main() {}
