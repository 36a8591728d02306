//! A handler inside an `impl`, which its macro cannot see.

include!("../shop.rs");

pub struct Desk;

impl Desk {
    #[command]
    pub fn ship(cmd: Ship, _order: &Order) -> Result<Shipped, Refused> {
        Ok(Shipped { order: cmd.order })
    }
}

fn main() {}
