//! CQRS502: an async projection writes through a transaction: what to write instead.

include!("../shop.rs");

pub struct Search;

#[projection(on = [Created])]
impl Search {
    async fn created(_tx: &mut Tx<cqrs_sqlite::Sqlite>, _: &Created) -> Result<(), Refused> {
        Ok(())
    }
}
