//! CQRS502: an async projection writes through a transaction
//!
//! The fault: `created`

include!("../shop.rs");

pub struct Search;

#[projection(on = [Created])]
impl Search {
    async fn created(_: &Created) -> Result<(), Refused> {
        Ok(())
    }
}

fn main() {}
