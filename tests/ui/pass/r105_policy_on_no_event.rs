//! CQRS105: a policy answers an event: what to write instead.

include!("../shop.rs");

#[policy(on = [Created])]
fn answer(_: &Created) {}
