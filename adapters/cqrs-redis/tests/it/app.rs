//! An app at level 2: a log in memory, views in Redis.

use std::convert::Infallible;
use std::time::Duration;

use cqrs_redis::redis::{AsyncCommands, Client};
use cqrs_runtime::App;
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::{Row, ViewShape, ViewStore};
use cqrs_runtime::view_conformance::Dying;
use cqrs_test_servers::Redis;

use crate::support::{every, open, prefix};

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
        let (log, prefix) = (MemoryLog::new(), prefix());
        let app = library(&log, open(Redis::shared(), &prefix).await, batch).await;
        let (shelf, one, at) = use_it(&app).await;
        assert_eq!(book(&app, one, at).await.reads, 2);
        let there = app.queries().after(at).ask(BooksOn { shelf }).await.unwrap();
        let pages: Vec<i64> = there.iter().map(|book| book.pages).collect();
        assert_eq!(pages, [1_000, 300, 150, 20, 7]);
        assert_eq!(every(&open(Redis::shared(), &prefix).await, &shape().await).await, folded_anew(&log).await);
    }
}

#[tokio::test]
async fn rows_written_before_a_crash_are_skipped_after_it() {
    let (server, prefix, log) = (Redis::shared(), prefix(), MemoryLog::new());
    let app = library(&log, open(server, &prefix).await, 4).await;
    let (_, one, at) = use_it(&app).await;
    book(&app, one, at).await;
    drop(app);
    // As if every batch since the third event had written its rows and then crashed before its
    // checkpoint.
    let mut connection = Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let stored = shape().await.name;
    let (key, lease) = (format!("{prefix}checkpoints"), format!("{prefix}lease:{stored}"));
    let reached: String = connection.hget(&key, stored).await.unwrap();
    let fingerprint = reached.split(':').nth(1).unwrap();
    let _: () = connection.del(lease).await.unwrap();
    let _: () = connection.hset(&key, stored, format!("{:020}:{fingerprint}", 3)).await.unwrap();
    let app = library(&log, open(server, &prefix).await, 5).await;
    assert_eq!(book(&app, one, at).await.reads, 2, "nothing is folded twice");
    assert_eq!(every(&open(server, &prefix).await, &shape().await).await, folded_anew(&log).await);
    assert!(app.parked().await.unwrap().is_empty(), "no row is refused because it exists already");
}

#[tokio::test]
async fn a_crash_between_any_two_rows_changes_nothing() {
    let (log, prefix) = (MemoryLog::new(), prefix());
    // Events from before the app starts are folded in full batches.
    let (_, one, at) = use_it(&App::builder().log(log.clone()).build().await.unwrap()).await;
    let views = Dying::new(open(Redis::shared(), &prefix).await);
    views.fail_again_and_again();
    let app = library(&log, views.clone(), 6).await;
    assert_eq!(book(&app, one, at).await.reads, 2, "nothing is folded twice");
    assert!(views.deaths() >= 5, "each batch crashed once: {}", views.deaths());
    assert_eq!(every(&open(Redis::shared(), &prefix).await, &shape().await).await, folded_anew(&log).await);
    assert!(app.parked().await.unwrap().is_empty(), "no row is refused because it exists already");
}

#[tokio::test]
async fn a_server_that_was_emptied_between_batches_is_filled_again() {
    let (server, log) = (Redis::start().unwrap(), MemoryLog::new());
    let app = library(&log, open(&server, "cqrs:").await, 3).await;
    let (_, one, at) = use_it(&app).await;
    book(&app, one, at).await;
    server.stop_immediate().unwrap();
    server.restart_empty().unwrap();
    let (_, another, at) = use_it(&app).await;
    assert_eq!(book(&app, another, at).await.reads, 2);
    assert_eq!(book(&app, one, at).await.reads, 2);
    assert_eq!(every(&open(&server, "cqrs:").await, &shape().await).await, folded_anew(&log).await);
    // A server that comes back with all data.
    server.stop_immediate().unwrap();
    let at = app.commands().execute(Read { book: one }).await.unwrap().position();
    server.restart().unwrap();
    assert_eq!(book(&app, one, at).await.reads, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_replaces_the_rows_that_are_read() {
    let (log, prefix) = (MemoryLog::new(), prefix());
    let app = library(&log, open(Redis::shared(), &prefix).await, 4).await;
    let (_, one, at) = use_it(&app).await;
    book(&app, one, at).await;
    assert!(app.rebuild("Volume").await.unwrap() >= at);
    let at = app.commands().execute(Read { book: one }).await.unwrap().position();
    assert_eq!(book(&app, one, at).await.reads, 3);
    assert_eq!(every(&open(Redis::shared(), &prefix).await, &shape().await).await, folded_anew(&log).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_is_shared_and_repartitioned() {
    let (log, prefix) = (MemoryLog::new(), prefix());
    let views = open(Redis::shared(), &prefix).await;
    let split = async |parts| {
        let builder = App::builder().log(log.clone()).views(open(Redis::shared(), &prefix).await);
        let builder = builder.projection_batch(5).projection_lease(Duration::from_millis(600));
        builder.partitions::<Volume>(parts).build().await.unwrap()
    };
    let (first, second) = (split(4).await, split(4).await);
    let (_, _, at) = use_it(&first).await;
    second.caught_up(at, Duration::from_secs(60)).await.unwrap();
    assert_eq!(every(&views, &shape().await).await, folded_anew(&log).await);
    second.rebuild("Volume").await.unwrap();
    assert_eq!(every(&views, &shape().await).await, folded_anew(&log).await, "as it was before");
    drop(first);
    for parts in [3, 1, 4] {
        let app = split(parts).await;
        let (_, one, at) = use_it(&app).await;
        assert_eq!(book(&app, one, at).await.reads, 2, "in {parts}");
        app.caught_up(at, Duration::from_secs(60)).await.unwrap();
        assert_eq!(every(&views, &shape().await).await, folded_anew(&log).await, "in {parts}");
        if parts == 3 {
            second.clone().close().await;
        }
        app.close().await;
    }
    assert!(split(2).await.parked().await.unwrap().is_empty());
}
