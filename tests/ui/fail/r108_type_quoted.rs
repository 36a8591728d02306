//! CQRS108: a type has no quotes
//!
//! The fault: `"Refused"`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = "Refused")]
pub struct Open {}

#[command]
fn open(_: Open) -> Result<Option<Created>, Refused> {
    Ok(None)
}

fn main() {}
