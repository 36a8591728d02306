//! CQRS204: the read side under another name: what to write instead.

include!("../shop.rs");

use cqrs_runtime::Views as Rows;

#[command]
async fn ship(cmd: Ship, _service: Stale<Rows<Summary>>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
