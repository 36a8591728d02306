//! CQRS205: state changes by events only, in a workflow too
//!
//! The fault: `&mut Order`

include!("../shop.rs");

#[command]
async fn ship(cmd: Ship, _order: &mut Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
