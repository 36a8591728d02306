//! CQRS208: a transaction names a technology: what to write instead.

include!("../shop.rs");

use cqrs_sqlite::{Sqlite, SqliteLog};

pub type Logs = (Sqlite, SqliteLog);

#[command]
async fn ship(cmd: Ship, _tx: &mut Tx<Sqlite>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
