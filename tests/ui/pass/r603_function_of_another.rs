//! CQRS603: the function of a listed event takes another: what to write instead.

include!("../shop.rs");

pub struct Follows;

#[policy(on = [Created])]
impl Follows {
    fn created(event: &Created) {
        println!("{}", event.order);
    }
}
