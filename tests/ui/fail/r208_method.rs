//! CQRS208: a handler is a free function
//!
//! The fault: `&self`

include!("../shop.rs");

pub struct Shop;

impl Shop {
    #[command]
    pub fn ship(&self, cmd: Ship) -> Result<Shipped, Refused> {
        Ok(Shipped { order: cmd.order })
    }
}

fn main() {}
