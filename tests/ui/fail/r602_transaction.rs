//! CQRS602: a policy returns its commands
//!
//! The fault: `&mut Tx<cqrs_sqlite::Sqlite>`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn answer(e: &Created, _tx: &mut Tx<cqrs_sqlite::Sqlite>) -> Ship {
    Ship { order: e.order, customer: e.customer }
}

fn main() {}
