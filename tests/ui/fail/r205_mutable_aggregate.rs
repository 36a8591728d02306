//! CQRS205: state changes by events only
//!
//! The fault: `&mut Order`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _order: &mut Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
