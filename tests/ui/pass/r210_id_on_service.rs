//! CQRS210: an id loads an aggregate, and nothing else: what to write instead.

include!("../shop.rs");

#[command]
async fn ship(cmd: Ship, _carrier: State<u8>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
