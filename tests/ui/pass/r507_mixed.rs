//! CQRS507: one mechanism a projection: what to write instead.

include!("../shop.rs");

use cqrs_sqlite::Sqlite;

#[projection(on = [Created, Shipped])]
impl Summary {
    fn created(e: &Created) -> Self {
        Summary { order: e.order, customer: e.customer, total: 0 }
    }
    fn shipped(&mut self, _: &Shipped) {
        let _: Option<Tx<Sqlite>> = None;
    }
}
