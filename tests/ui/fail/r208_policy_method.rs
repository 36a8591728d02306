//! CQRS208: a policy is a plain function
//!
//! The fault: `&self`

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
    fn shipped(&self, _: &Shipped) {}
}

fn main() {}
