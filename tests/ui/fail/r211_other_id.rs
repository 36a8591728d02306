//! CQRS211: a handler returns what its command declares
//!
//! The fault: `Decision<Shipped, CustomerId>`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = OrderId, error = Refused)]
pub struct Open {
    pub order: OrderId,
}

#[command]
fn open(cmd: Open, meta: &Meta) -> Result<Decision<Shipped, CustomerId>, Refused> {
    let _ = meta;
    Ok(emit(Shipped { order: cmd.order }).returning(CustomerId::new()))
}

fn main() {}
