//! CQRS208: a handler is a plain function
//!
//! The fault: `extern "C"`

include!("../shop.rs");

#[command]
extern "C" fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

fn main() {}
