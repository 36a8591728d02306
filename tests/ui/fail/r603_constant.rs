//! CQRS603: functions alone
//!
//! The fault: `const LIMIT: u32 = 3;`

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

pub struct Answers;

#[policy(on = [Created, Shipped])]
impl Answers {
    const LIMIT: u32 = 3;
    fn created(e: &Created) -> Ship {
        Ship { order: e.order, customer: e.customer }
    }
    fn shipped(_: &Shipped) {}
}

fn main() {}
