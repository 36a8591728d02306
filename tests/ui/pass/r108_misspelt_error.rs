//! CQRS108: a misspelt option is not missing as well: what to write instead.

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Refused)]
pub struct Open {}

#[command]
fn open(_cmd: Open) -> Result<Option<Shipped>, Refused> {
    Err(Refused)
}
