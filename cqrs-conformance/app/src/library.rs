//! The domain of the suite: books on shelves.

use std::convert::Infallible;

use cqrs_runtime::prelude::*;

/// Names a shelf.
#[derive(Id)]
pub struct ShelfId(Uuid);

/// Names a book.
#[derive(Id)]
pub struct BookId(Uuid);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct BookShelved {
    #[tag]
    pub(crate) book: BookId,
    #[tag]
    pub(crate) shelf: ShelfId,
    pub(crate) pages: i64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct BookRead {
    #[tag]
    pub(crate) book: BookId,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct BookLost {
    #[tag]
    pub(crate) book: BookId,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct ShelfMoved {
    #[tag]
    pub(crate) shelf: ShelfId,
    pub(crate) to: ShelfId,
}

#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Volume {
    #[key]
    pub(crate) book: BookId,
    #[index]
    pub(crate) shelf: ShelfId,
    #[index]
    pub(crate) pages: i64,
    pub(crate) reads: u32,
}

#[projection(on = [BookShelved, BookRead, BookLost, ShelfMoved])]
impl Volume {
    fn shelved(event: &BookShelved) -> Self {
        Self { book: event.book, shelf: event.shelf, pages: event.pages, reads: 0 }
    }
    fn read(&mut self, _: &BookRead) {
        self.reads += 1;
    }
    fn lost(self, _: &BookLost) -> Option<Self> {
        None
    }
    #[by(shelf = event.shelf)]
    fn moved(&mut self, event: &ShelfMoved) {
        self.shelf = event.to;
    }
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Option<Volume>)]
pub struct TheBook {
    pub(crate) book: BookId,
}

#[query]
async fn the_book(q: TheBook, books: Views<Volume>) -> Result<Option<Volume>, QueryError> {
    books.get(q.book).await
}

/// The books on a shelf, longest first.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Volume>)]
pub struct BooksOn {
    pub(crate) shelf: ShelfId,
}

#[query]
async fn books_on(q: BooksOn, books: Views<Volume>) -> Result<Vec<Volume>, QueryError> {
    books.find(Volume::SHELF.eq(q.shelf)).order_by(Volume::PAGES.desc()).all().await
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Infallible)]
pub struct Shelve {
    pub(crate) book: BookId,
    pub(crate) shelf: ShelfId,
    pub(crate) pages: i64,
}

#[command]
fn shelve(cmd: Shelve) -> Result<BookShelved, Infallible> {
    Ok(BookShelved { book: cmd.book, shelf: cmd.shelf, pages: cmd.pages })
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Infallible)]
pub struct Read {
    pub(crate) book: BookId,
}

#[command]
fn read(cmd: Read) -> Result<BookRead, Infallible> {
    Ok(BookRead { book: cmd.book })
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Infallible)]
pub struct Lose {
    pub(crate) book: BookId,
}

#[command]
fn lose(cmd: Lose) -> Result<BookLost, Infallible> {
    Ok(BookLost { book: cmd.book })
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Infallible)]
pub struct MoveShelf {
    pub(crate) shelf: ShelfId,
    pub(crate) to: ShelfId,
}

#[command]
fn move_shelf(cmd: MoveShelf) -> Result<ShelfMoved, Infallible> {
    Ok(ShelfMoved { shelf: cmd.shelf, to: cmd.to })
}
