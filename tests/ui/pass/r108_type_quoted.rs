//! CQRS108: a type has no quotes: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Refused)]
pub struct Open {}

#[command]
fn open(_: Open) -> Result<Option<Created>, Refused> {
    Ok(None)
}
