//! CQRS502: an async projection takes its transaction first
//!
//! The fault: `created`

include!("../shop.rs");

use cqrs_sqlite::Sqlite;

pub struct Search;

#[projection(on = [Created])]
impl Search {
    async fn created(_: &Created, _tx: &mut Tx<Sqlite>) -> Result<(), Refused> {
        Ok(())
    }
}

fn main() {}
