//! CQRS603: the event comes first, by reference
//!
//! The fault: `answer`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
fn answer() {}

fn main() {}
