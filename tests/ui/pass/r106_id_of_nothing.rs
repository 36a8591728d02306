//! CQRS106: an identifier holds a value, and its uses are not refused once more: what to write instead.

include!("../shop.rs");

#[derive(Id)]
pub struct ShelfId(Uuid);

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
