//! CQRS507: one transaction a projection: what to write instead.

include!("../shop.rs");

use cqrs_postgres::Postgres;
use cqrs_sqlite::Sqlite;

pub type Databases = (Sqlite, Postgres);

pub struct Tables;

#[projection(on = [Created, Shipped])]
impl Tables {
    async fn created(_tx: &mut Tx<Sqlite>, _: &Created) -> Result<(), Refused> {
        Ok(())
    }
    async fn shipped(_tx: &mut Tx<Sqlite>, _: &Shipped) -> Result<(), Refused> {
        Ok(())
    }
}
