//! CQRS205: a workflow writes by `&mut Tx<Db>`: what to write instead.

include!("../shop.rs");

use cqrs_runtime::Database;

pub struct Transaction;
pub struct Db;

impl Database for Db {
    type Transaction = Transaction;
    type Reader = ();
}

#[command]
async fn ship(cmd: Ship, _tx: &mut Tx<Db>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
