//! CQRS507: one mechanism a projection
//!
//! The fault: `async`

include!("../shop.rs");

use cqrs_sqlite::Sqlite;

#[projection(on = [Created, Shipped])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
    async fn shipped(_tx: &mut Tx<Sqlite>, _: &Shipped) -> Result<(), Refused> {
        Ok(())
    }
}

fn main() {}
