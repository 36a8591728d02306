//! CQRS106: the value of an identifier is a text and a column
//!
//! The fault: `[u8; 4]`

include!("../shop.rs");

#[derive(Id)]
pub struct ShelfId([u8; 4]);

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
    Shelved { shelf: ShelfId::new([0; 4]) }
}

fn main() {}
