//! CQRS203: several aggregates are `Many`
//!
//! The fault: `&[Order]`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, #[id([cmd.order])] _all: &[Order]) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
