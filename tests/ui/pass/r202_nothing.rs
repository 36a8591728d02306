//! CQRS202: a handler states events: what to write instead.

include!("../shop.rs");

#[command]
fn ship(_cmd: Ship) -> Result<Shipped, Refused> {
    Err(Refused)
}
