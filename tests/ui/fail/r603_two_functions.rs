//! CQRS603: one function an event
//!
//! The fault: `Created`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

pub struct Answers;

#[policy(on = [Created])]
impl Answers {
    fn created(e: &Created) -> Ship {
        Ship { order: e.order, customer: e.customer }
    }
    fn shipped(_: &Created) {}
}

fn main() {}
