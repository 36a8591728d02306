//! CQRS210: an id loads an aggregate, and nothing else
//!
//! The fault: `cmd.order`

include!("../shop.rs");

#[command]
async fn ship(cmd: Ship, #[id(cmd.order)] _carrier: State<u8>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
