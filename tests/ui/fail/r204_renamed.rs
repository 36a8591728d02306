//! CQRS204: the read side under another name
//!
//! The fault: `Rows<Summary>`

include!("../shop.rs");

use cqrs_runtime::Views as Rows;

#[command]
async fn ship(cmd: Ship, _service: Rows<Summary>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
