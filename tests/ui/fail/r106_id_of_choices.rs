//! CQRS106: an identifier is no choice, and its uses are not refused once more
//!
//! The fault: `ShelfId`

include!("../shop.rs");

#[derive(Id)]
pub enum ShelfId { Top, Numbered(u32) }

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

pub fn again(event: &Shelved) -> (ShelfId, Shelved) {
    (event.shelf, Shelved { shelf: ShelfId::new() })
}

fn main() {}
