//! CQRS202: a handler returns no data, under any name: what to write instead.

include!("../shop.rs");

pub type Shipment = Shipped;

#[command]
fn ship(_cmd: Ship) -> Result<Shipment, Refused> {
    Err(Refused)
}
