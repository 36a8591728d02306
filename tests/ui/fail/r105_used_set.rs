//! CQRS105: a set of events with a fault is one error, wherever it is used
//!
//! The fault: `Nothing`

include!("../shop.rs");

#[derive(Events)]
pub enum Outcome {
    Shipped(Shipped),
    Nothing,
}

#[command]
async fn ship(cmd: Ship, _order: &Order) -> Result<(Outcome, Option<Outcome>), Refused> {
    Ok((Outcome::Shipped(Shipped { order: cmd.order }), None))
}

fn main() {}
