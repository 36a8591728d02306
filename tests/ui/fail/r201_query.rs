//! CQRS201: a command handler begins with a command
//!
//! The fault: `Count`

include!("../shop.rs");

#[command]
fn ship(cmd: Count) -> Result<Shipped, Refused> {
    Err(drop_it(cmd))
}

fn drop_it<M>(_: M) -> Refused {
    Refused
}

fn main() {}
