//! CQRS208: a transaction names a technology
//!
//! The fault: `&mut Tx<SqliteLog>`

include!("../shop.rs");

use cqrs_sqlite::{Sqlite, SqliteLog};

pub type Logs = (Sqlite, SqliteLog);

#[command]
async fn ship(cmd: Ship, _tx: &mut Tx<SqliteLog>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
