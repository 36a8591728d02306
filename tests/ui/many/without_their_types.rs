//! Parameters without what they are of: each is said once, though the expansions name it too.

include!("../shop.rs");

#[command]
async fn ship(cmd: Ship, _tx: &mut Tx) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[query]
async fn count(_: Count, _orders: Views) -> Result<u64, QueryError> {
    Ok(0)
}

fn main() {}
