//! CQRS203: a decision looks at nothing stale
//!
//! The fault: `Stale<Views<Summary>>`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, _summaries: Stale<Views<Summary>>) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
