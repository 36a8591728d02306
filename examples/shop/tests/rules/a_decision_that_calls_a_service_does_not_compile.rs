//! An order is decided on by what has happened, and by no service.

use cqrs_runtime::prelude::*;

pub struct Prices;

#[derive(Event, Serialize, Deserialize)]
pub struct PriceAsked {}

#[derive(Command, Serialize, Deserialize)]
pub struct AskPrice {}

#[command]
fn ask_price(_: AskPrice, _prices: State<Prices>) -> Result<PriceAsked, std::convert::Infallible> {
    Ok(PriceAsked {})
}

fn main() {}
