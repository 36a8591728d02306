//! CQRS202: a handler fails with the error that its command declares
//!
//! The fault: `std::fmt::Error`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, std::fmt::Error> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
