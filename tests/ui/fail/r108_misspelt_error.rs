//! CQRS108: a misspelt option is not missing as well
//!
//! The fault: `eror`

include!("../shop.rs");

#[derive(Command, Serialize, Deserialize)]
#[cqrs(eror = Refused)]
pub struct Open {}

#[command]
fn open(_cmd: Open) -> Result<Option<Shipped>, Refused> {
    Err(Refused)
}

fn main() {}
