//! CQRS208: one transaction a command
//!
//! The fault: `&mut Tx<Sqlite>`

include!("../shop.rs");

use cqrs_sqlite::Sqlite;

#[command]
async fn ship(cmd: Ship, _tx: &mut Tx<Sqlite>, _other: &mut Tx<Sqlite>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
