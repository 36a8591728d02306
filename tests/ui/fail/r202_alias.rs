//! CQRS202: a handler returns no data, under any name
//!
//! The fault: `Shipment`

include!("../shop.rs");

pub type Shipment = Summary;

#[command]
fn ship(_cmd: Ship) -> Result<Shipment, Refused> {
    Err(Refused)
}

fn main() {}
