//! CQRS210: `#[id(..)]` says which aggregate a parameter is: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, #[id(cmd.order)] _it: &Order) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}
