//! CQRS203: a state that threads may not share is refused where it is folded, and not at the handlers that take it
//!
//! The fault: `Parcel`

include!("../shop.rs");

pub struct Parcel {
    pub notes: std::rc::Rc<str>,
}

#[aggregate(id = OrderId, on = [Created, Shipped])]
impl Parcel {
    fn created(_: &Created) -> Self {
        Parcel { notes: "".into() }
    }
    fn shipped(&mut self, _: &Shipped) {}
}

#[command]
async fn ship(cmd: Ship, #[id(cmd.order)] parcel: &Parcel) -> Result<Shipped, Refused> {
    std::future::ready(()).await;
    if parcel.notes.is_empty() { Ok(Shipped { order: cmd.order }) } else { Err(Refused) }
}

fn main() {}
