//! CQRS106: identifiers are distinguished, and sorted
//!
//! The fault: `f64`

include!("../shop.rs");

#[derive(Id)]
pub struct ShelfId(f64);

#[derive(Event, Serialize, Deserialize)]
pub struct Shelved {
    #[tag]
    pub shelf: ShelfId,
}

pub struct Shelf;

#[aggregate(id = ShelfId, on = [Shelved])]
impl Shelf {
    fn shelved(_: &Shelved) -> Self {
        Shelf
    }
}

pub fn empty() -> Shelved {
    Shelved { shelf: ShelfId::new(0.0) }
}

fn main() {}
