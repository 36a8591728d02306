//! An app at level 2: a log in memory, views on a server that speaks MongoDB's protocol.

use std::convert::Infallible;
use std::time::Duration;

use cqrs_mongodb::mongodb::bson::{Document, doc};
use cqrs_runtime::App;
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::{Row, ViewShape, ViewStore};
use cqrs_runtime::view_conformance::Dying;
use cqrs_test_servers::Mongo;

use crate::support::{client, collection_of, database, every, open};

#[derive(Id)]
pub struct ShelfId(Uuid);

#[derive(Id)]
pub struct BookId(Uuid);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct BookShelved {
    #[tag]
    book: BookId,
    #[tag]
    shelf: ShelfId,
    pages: i64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct BookRead {
    #[tag]
    book: BookId,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct BookLost {
    #[tag]
    book: BookId,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct ShelfMoved {
    #[tag]
    shelf: ShelfId,
    to: ShelfId,
}

#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Volume {
    #[key]
    book: BookId,
    #[index]
    shelf: ShelfId,
    #[index]
    pages: i64,
    reads: u32,
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
    book: BookId,
}

#[query]
async fn the_book(q: TheBook, books: Views<Volume>) -> Result<Option<Volume>, QueryError> {
    books.get(q.book).await
}

/// The books on a shelf, longest first.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Volume>)]
pub struct BooksOn {
    shelf: ShelfId,
}

#[query]
async fn books_on(q: BooksOn, books: Views<Volume>) -> Result<Vec<Volume>, QueryError> {
    books.find(Volume::SHELF.eq(q.shelf)).order_by(Volume::PAGES.desc()).all().await
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Infallible)]
pub struct Shelve {
    book: BookId,
    shelf: ShelfId,
    pages: i64,
}

#[command]
fn shelve(cmd: Shelve) -> Result<BookShelved, Infallible> {
    Ok(BookShelved { book: cmd.book, shelf: cmd.shelf, pages: cmd.pages })
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Infallible)]
pub struct Read {
    book: BookId,
}

#[command]
fn read(cmd: Read) -> Result<BookRead, Infallible> {
    Ok(BookRead { book: cmd.book })
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Infallible)]
pub struct Lose {
    book: BookId,
}

#[command]
fn lose(cmd: Lose) -> Result<BookLost, Infallible> {
    Ok(BookLost { book: cmd.book })
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Infallible)]
pub struct MoveShelf {
    shelf: ShelfId,
    to: ShelfId,
}

#[command]
fn move_shelf(cmd: MoveShelf) -> Result<ShelfMoved, Infallible> {
    Ok(ShelfMoved { shelf: cmd.shelf, to: cmd.to })
}

async fn library(log: &MemoryLog, views: impl ViewStore, batch: usize) -> App {
    let lease = Duration::from_secs(2);
    App::builder().log(log.clone()).views(views).projection_batch(batch).projection_lease(lease).build().await.unwrap()
}

async fn shape() -> ViewShape {
    App::builder().log(MemoryLog::new()).build().await.unwrap().shape_of::<Volume>().unwrap()
}

/// The rows that an app at level 1 makes of the same events.
async fn folded_anew(log: &MemoryLog) -> Vec<Row> {
    let page = log.read(&EventQuery::all(), Position::START, 1_000_000).await.unwrap();
    let copy = MemoryLog::new();
    let mut tx = copy.begin().await.unwrap();
    tx.append(&page.events, &[]).await.unwrap();
    tx.commit().await.unwrap();
    App::builder().log(copy.clone()).build().await.unwrap();
    every(&*copy.views().unwrap(), &shape().await).await
}

/// Shelves, reads, moves and loses books. Returns the shelves, one book, and the last position.
async fn use_it(app: &App) -> (ShelfId, BookId, Position) {
    let (first, second) = (ShelfId::new(), ShelfId::new());
    let books: Vec<BookId> = (0..10).map(|_| BookId::new()).collect();
    for (&book, pages) in books.iter().zip([300, 20, 7, 1_000, 150, 80, 9, 81, 82, 83]) {
        app.commands().execute(Shelve { book, shelf: first, pages }).await.unwrap();
        app.commands().execute(Read { book }).await.unwrap();
    }
    for &book in &books[5..] {
        app.commands().execute(Lose { book }).await.unwrap();
    }
    app.commands().execute(MoveShelf { shelf: first, to: second }).await.unwrap();
    let at = app.commands().execute(Read { book: books[0] }).await.unwrap().position();
    (second, books[0], at)
}

async fn book(app: &App, book: BookId, at: Position) -> Volume {
    app.queries().after(at).within(Duration::from_secs(60)).ask(TheBook { book }).await.unwrap().unwrap()
}

#[tokio::test]
async fn queries_find_what_commands_have_done() {
    for batch in [1, 4, 1_000] {
        let (log, url) = (MemoryLog::new(), database());
        let app = library(&log, open(&url).await, batch).await;
        let (shelf, one, at) = use_it(&app).await;
        assert_eq!(book(&app, one, at).await.reads, 2);
        let there = app.queries().after(at).ask(BooksOn { shelf }).await.unwrap();
        let pages: Vec<i64> = there.iter().map(|book| book.pages).collect();
        assert_eq!(pages, [1_000, 300, 150, 20, 7]);
        assert_eq!(every(&open(&url).await, &shape().await).await, folded_anew(&log).await);
    }
}

#[tokio::test]
async fn people_find_views_as_documents() {
    let (log, url) = (MemoryLog::new(), database());
    let app = library(&log, open(&url).await, 4).await;
    let (shelf, one, at) = use_it(&app).await;
    book(&app, one, at).await;
    let volumes = collection_of(&url, shape().await.name).await;
    let found = volumes.find_one(doc! { "document.reads": 2 }).await.unwrap().unwrap();
    assert_eq!(found.get_str("_id").unwrap(), one.to_string());
    let document = doc! { "book": one.to_string(), "shelf": shelf.to_string(), "pages": 300, "reads": 2 };
    assert_eq!(found.get_document("document").unwrap(), &document);
    let indexes = doc! { "shelf": shelf.to_string(), "pages": 300_i64 };
    assert_eq!(found.get_document("indexes").unwrap(), &indexes);
}

#[tokio::test]
async fn rows_written_before_a_crash_are_skipped_after_it() {
    let (url, log) = (database(), MemoryLog::new());
    let app = library(&log, open(&url).await, 4).await;
    let (_, one, at) = use_it(&app).await;
    book(&app, one, at).await;
    app.close().await;
    // As if every batch since the third event had written its rows and then crashed before its
    // checkpoint.
    let state = client(&url).await.collection::<Document>("cqrs.state");
    let back = doc! { "$set": { "checkpoints.$.position": 3_i64 }, "$unset": { "checkpoints.$.event": "" } };
    let stored = doc! { "checkpoints.projection": shape().await.name };
    assert_eq!(state.update_one(stored, back).await.unwrap().modified_count, 1);
    let app = library(&log, open(&url).await, 5).await;
    assert_eq!(book(&app, one, at).await.reads, 2, "nothing is folded twice");
    assert_eq!(every(&open(&url).await, &shape().await).await, folded_anew(&log).await);
    assert!(app.parked().await.unwrap().is_empty(), "no row is refused because it exists already");
}

#[tokio::test]
async fn a_crash_between_any_two_writes_changes_nothing() {
    let (log, url) = (MemoryLog::new(), database());
    // Events from before the app starts are folded in full batches.
    let (_, one, at) = use_it(&App::builder().log(log.clone()).build().await.unwrap()).await;
    let views = Dying::new(open(&url).await);
    views.fail_again_and_again();
    let app = library(&log, views.clone(), 6).await;
    assert_eq!(book(&app, one, at).await.reads, 2, "nothing is folded twice");
    assert!(views.deaths() >= 5, "each batch crashed once: {}", views.deaths());
    assert_eq!(every(&open(&url).await, &shape().await).await, folded_anew(&log).await);
    assert!(app.parked().await.unwrap().is_empty(), "no row is refused because it exists already");
}

#[tokio::test]
async fn a_server_that_was_emptied_between_batches_is_filled_again() {
    let (server, log) = (Mongo::start().unwrap(), MemoryLog::new());
    let url = server.url("library");
    let app = library(&log, open(&url).await, 3).await;
    let (_, one, at) = use_it(&app).await;
    book(&app, one, at).await;
    server.stop_immediate().unwrap();
    server.restart_empty().unwrap();
    let (_, another, at) = use_it(&app).await;
    assert_eq!(book(&app, another, at).await.reads, 2);
    assert_eq!(book(&app, one, at).await.reads, 2);
    assert_eq!(every(&open(&url).await, &shape().await).await, folded_anew(&log).await);
    // A server that comes back with all data.
    server.stop_immediate().unwrap();
    let at = app.commands().execute(Read { book: one }).await.unwrap().position();
    server.restart().unwrap();
    assert_eq!(book(&app, one, at).await.reads, 3);
    let folded = folded_anew(&log).await;
    assert_eq!(every(&open(&url).await, &shape().await).await, folded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_replaces_the_rows_that_are_read() {
    let (log, url) = (MemoryLog::new(), database());
    let app = library(&log, open(&url).await, 4).await;
    let (_, one, at) = use_it(&app).await;
    book(&app, one, at).await;
    assert!(app.rebuild("Volume").await.unwrap() >= at);
    let at = app.commands().execute(Read { book: one }).await.unwrap().position();
    assert_eq!(book(&app, one, at).await.reads, 3);
    assert_eq!(every(&open(&url).await, &shape().await).await, folded_anew(&log).await);
}
