//! CQRS603: the function of a listed event takes another
//!
//! The fault: `Shipped`

include!("../shop.rs");

pub struct Follows;

#[policy(on = [Created])]
impl Follows {
    fn created(event: &Shipped) {
        println!("{}", event.order);
    }
}

fn main() {}
