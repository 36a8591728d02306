//! CQRS603: what is listed is taken
//!
//! The fault: `Shipped`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

pub struct Answers;

#[policy(on = [Created, Shipped])]
impl Answers {
    fn created(e: &Created) -> Ship {
        Ship { order: e.order, customer: e.customer }
    }
}

fn main() {}
