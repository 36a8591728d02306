//! CQRS104: an identifier has no parameters, and its uses are not refused once more
//!
//! The fault: `T`

include!("../shop.rs");

#[derive(Id)]
pub struct ShelfId<T>(T);

#[derive(Event, Serialize, Deserialize)]
pub struct Shelved {
    #[tag]
    pub shelf: ShelfId<u32>,
}

pub struct Shelf;

#[aggregate(id = ShelfId<u32>, on = [Shelved])]
impl Shelf {
    fn shelved(_: &Shelved) -> Self {
        Shelf
    }
}

pub fn empty() -> Shelved {
    Shelved { shelf: ShelfId::new(3) }
}

fn main() {}
