//! CQRS104: a message owns its data
//!
//! The fault: `'a`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
pub struct Rename<'a> {
    pub name: std::borrow::Cow<'a, str>,
}

fn main() {}
