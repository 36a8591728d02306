//! CQRS201: a command handler begins with a command: what to write instead.

include!("../shop.rs");

#[command]
fn ship(_cmd: Ship) -> Result<Shipped, Refused> {
    Err(Refused)
}
