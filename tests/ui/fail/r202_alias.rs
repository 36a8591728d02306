//! CQRS202: a handler returns no data, whatever it is called
//!
//! The fault: `Shipment`

include!("../shop.rs");

pub type Shipment = Summary;

#[command]
fn ship(_cmd: Ship) -> Result<Shipment, Refused> {
    Err(Refused)
}

fn main() {}
