//! CQRS208: one transaction a command: what to write instead.

include!("../shop.rs");

use cqrs_sqlite::Sqlite;

#[command]
async fn ship(cmd: Ship, _tx: &mut Tx<Sqlite>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
