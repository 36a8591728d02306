//! CQRS603: a plain `impl`: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

pub struct Answers;

pub trait Answering {
    fn created(e: &Created) -> Ship;
}

#[policy(on = [Created])]
impl Answers {
    fn created(e: &Created) -> Ship {
        Ship { order: e.order, customer: e.customer }
    }
}
