//! CQRS507: an async projection makes no view: what to write instead.

include!("../shop.rs");

use cqrs_sqlite::Sqlite;

pub struct Search;

#[projection(on = [Created])]
impl Search {
    async fn created(_tx: &mut Tx<Sqlite>, _: &Created) -> Result<(), Refused> {
        Ok(())
    }
}
