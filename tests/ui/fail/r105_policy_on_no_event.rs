//! CQRS105: a policy answers an event
//!
//! The fault: `OrderId`

include!("../shop.rs");

#[policy(on = [OrderId])]
fn answer(_: &OrderId) {}

fn main() {}
