//! CQRS203: a service is taken as `State<T>`
//!
//! The fault: `Prices`

include!("../shop.rs");

pub struct Prices;


#[command]
async fn ship(cmd: Ship, _prices: &Prices) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
