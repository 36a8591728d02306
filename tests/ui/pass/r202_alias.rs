//! CQRS202: a handler returns no data, whatever it is called: what to write instead.

include!("../shop.rs");

pub type Shipment = Shipped;

#[command]
fn ship(_cmd: Ship) -> Result<Shipment, Refused> {
    Err(Refused)
}
