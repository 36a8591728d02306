//! CQRS502: an async projection takes its transaction first: what to write instead.

include!("../shop.rs");

use cqrs_sqlite::Sqlite;

pub struct Search;

#[projection(on = [Created])]
impl Search {
    async fn created(_tx: &mut Tx<Sqlite>, _: &Created) -> Result<(), Refused> {
        Ok(())
    }
}
