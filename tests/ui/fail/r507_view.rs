//! CQRS507: an async projection makes no view
//!
//! The fault: `Summary`

include!("../shop.rs");

use cqrs_sqlite::Sqlite;

pub struct Search;

#[projection(on = [Created], view = Summary)]
impl Search {
    async fn created(_tx: &mut Tx<Sqlite>, _: &Created) -> Result<(), Refused> {
        Ok(())
    }
}

fn main() {}
