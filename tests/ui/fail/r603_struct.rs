//! CQRS603: functions, or a block of them
//!
//! The fault: `pub`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

#[policy(on = [Created])]
pub struct Answers;

fn main() {}
