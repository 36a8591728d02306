//! An app that runs on any view store: a library, with its log in memory.
//!
//! An adapter runs [`all`] in its tests, and [`a_crash_between_any_two_writes_changes_nothing`] if its store has no transactions. Tests
//! of its own, of crashes and restarts for example, use the same [`Library`].
//!
//! A check takes `open`, which opens the store in one place that is empty at first: each call opens it again.
//!
//! It is a crate of its own, because what a linked crate registers is part of every app of a program.
//!
//! ```
//! use cqrs_runtime::view::MemoryViews;
//!
//! # #[tokio::main]
//! # async fn main() {
//! let new_place = || {
//!     let views = MemoryViews::new();
//!     async move || views.clone()
//! };
//! cqrs_conformance_app::all(new_place).await;
//! # }
//! ```

#![allow(clippy::missing_panics_doc, reason = "a check's doc says what it checks; it panics when that does not hold")]

use std::time::Duration;

use cqrs_conformance::views::CrashingStore;
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog};
use cqrs_runtime::view::buffer::BufferedStore;
use cqrs_runtime::view::{Row, RowQuery, ViewShape, ViewStore};
use cqrs_runtime::{App, Position};

mod library;

pub use library::{BookId, ShelfId};
use library::{BooksOn, Lose, MoveShelf, Read, Shelve, TheBook, Volume};

/// How long a check waits for the views, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The name of the only projection, and of its view.
pub const PROJECTION: &str = "Volume";

/// A library: an app at level 2.
#[derive(Clone, Debug)]
pub struct Library {
    /// The app.
    pub app: App,
}

/// What [`Library::use_it`] has done.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// The shelf where all books are.
    pub shelf: ShelfId,
    /// One of them: it has 300 pages and was read twice.
    pub book: BookId,
    /// The position of the last event.
    pub at: Position,
}

impl Library {
    /// A library whose views are folded in batches of so many events.
    pub async fn open(log: &MemoryLog, views: impl ViewStore, batch: usize) -> Self {
        let builder = App::builder().log(log.clone()).views(views);
        let builder = builder.projection_batch(batch).projection_lease(Duration::from_secs(2));
        Self { app: builder.build().await.unwrap() }
    }

    /// Shelves, reads, moves and loses books.
    pub async fn use_it(&self) -> Used {
        let (commands, first, shelf) = (self.app.commands(), ShelfId::new(), ShelfId::new());
        let books: Vec<BookId> = (0..10).map(|_| BookId::new()).collect();
        for (&book, pages) in books.iter().zip([300, 20, 7, 1_000, 150, 80, 9, 81, 82, 83]) {
            commands.execute(Shelve { book, shelf: first, pages }).await.unwrap();
            commands.execute(Read { book }).await.unwrap();
        }
        for &book in &books[5..] {
            commands.execute(Lose { book }).await.unwrap();
        }
        commands.execute(MoveShelf { shelf: first, to: shelf }).await.unwrap();
        Used { shelf, book: books[0], at: self.read(books[0]).await }
    }

    /// Reads a book once more. Returns the position of the event.
    pub async fn read(&self, book: BookId) -> Position {
        self.app.commands().execute(Read { book }).await.unwrap().position()
    }

    /// How often a book was read, as the view has it at a position.
    pub async fn reads(&self, book: BookId, at: Position) -> u32 {
        let asked = self.app.queries().after(at).within(PATIENCE).ask(TheBook { book }).await;
        asked.unwrap().expect("the book is there").reads
    }

    /// The numbers of pages of the books on a shelf, longest first, as the view has them at a position.
    pub async fn pages_on(&self, shelf: ShelfId, at: Position) -> Vec<i64> {
        let there = self.app.queries().after(at).within(PATIENCE).ask(BooksOn { shelf }).await.unwrap();
        there.iter().map(|book| book.pages).collect()
    }
}

/// How the view is stored.
pub async fn shape() -> ViewShape {
    App::builder().log(MemoryLog::new()).build().await.unwrap().shape_of::<Volume>().unwrap()
}

/// All rows of the view.
pub async fn rows(views: &dyn ViewStore) -> Vec<Row> {
    let every = RowQuery::all();
    views.find(&shape().await, &every).await.unwrap()
}

/// The rows that an app at level 1 makes of the same events.
pub async fn folded(log: &MemoryLog) -> Vec<Row> {
    let page = log.read(&EventQuery::all(), Position::START, 1_000_000).await.unwrap();
    let copy = MemoryLog::new();
    let mut tx = copy.begin().await.unwrap();
    tx.append(&page.events, &[]).await.unwrap();
    tx.commit().await.unwrap();
    App::builder().log(copy.clone()).build().await.unwrap();
    rows(&*copy.views().unwrap()).await
}

/// Runs every check for any store, each in a place of its own: `place` makes a new one.
pub async fn all<S: ViewStore, O: AsyncFn() -> S>(place: impl Fn() -> O) {
    for batch in [1, 4, 1_000] {
        queries_find_what_commands_have_done(place(), batch).await;
    }
    a_rebuild_replaces_the_rows_that_are_read(place()).await;
    a_projection_is_shared_and_repartitioned(place()).await;
}

/// Queries find what commands have done, for any size of a batch.
pub async fn queries_find_what_commands_have_done<S: ViewStore>(open: impl AsyncFn() -> S, batch: usize) {
    let log = MemoryLog::new();
    let library = Library::open(&log, open().await, batch).await;
    let Used { shelf, book, at } = library.use_it().await;
    assert_eq!(library.reads(book, at).await, 2);
    assert_eq!(library.pages_on(shelf, at).await, [1_000, 300, 150, 20, 7]);
    assert_eq!(rows(&open().await).await, folded(&log).await);
}

/// After a rebuild, queries read the new rows, and later events are folded into them.
pub async fn a_rebuild_replaces_the_rows_that_are_read<S: ViewStore>(open: impl AsyncFn() -> S) {
    let log = MemoryLog::new();
    let library = Library::open(&log, open().await, 4).await;
    let Used { book, at, .. } = library.use_it().await;
    library.reads(book, at).await;
    assert!(library.app.rebuild(PROJECTION).await.unwrap() >= at);
    let at = library.read(book).await;
    assert_eq!(library.reads(book, at).await, 3);
    assert_eq!(rows(&open().await).await, folded(&log).await);
}

/// Apps share the partitions of a projection, rebuild it, and change the number of its partitions.
pub async fn a_projection_is_shared_and_repartitioned<S: ViewStore>(open: impl AsyncFn() -> S) {
    let (log, views) = (MemoryLog::new(), open().await);
    let partitioned = async |number| {
        let builder = App::builder().log(log.clone()).views(open().await);
        let builder = builder.projection_batch(5).projection_lease(Duration::from_millis(600));
        Library { app: builder.partitions::<Volume>(number).build().await.unwrap() }
    };
    let (first, second) = (partitioned(4).await, partitioned(4).await);
    let Used { at, .. } = first.use_it().await;
    second.app.caught_up(at, PATIENCE).await.unwrap();
    assert_eq!(rows(&views).await, folded(&log).await);
    second.app.rebuild(PROJECTION).await.unwrap();
    assert_eq!(rows(&views).await, folded(&log).await, "as it was before");
    drop(first);
    for number in [3, 1, 4] {
        let library = partitioned(number).await;
        let Used { book, at, .. } = library.use_it().await;
        assert_eq!(library.reads(book, at).await, 2, "in {number}");
        library.app.caught_up(at, PATIENCE).await.unwrap();
        assert_eq!(rows(&views).await, folded(&log).await, "in {number}");
        if number == 3 {
            second.app.clone().close().await;
        }
        library.app.close().await;
    }
    assert!(partitioned(2).await.app.parked().await.unwrap().is_empty());
}

/// A store without transactions: a crash between any two of its writes changes nothing.
pub async fn a_crash_between_any_two_writes_changes_nothing<S: BufferedStore + Clone>(open: impl AsyncFn() -> S) {
    let log = MemoryLog::new();
    // Events from before the app starts are folded in full batches.
    let before = Library { app: App::builder().log(log.clone()).build().await.unwrap() };
    let Used { book, at, .. } = before.use_it().await;
    let views = CrashingStore::new(open().await);
    views.fail_again_and_again();
    let library = Library::open(&log, views.clone(), 6).await;
    assert_eq!(library.reads(book, at).await, 2, "nothing is folded twice");
    assert!(views.deaths() >= 5, "each batch crashed once: {}", views.deaths());
    assert_eq!(rows(&open().await).await, folded(&log).await);
    assert!(library.app.parked().await.unwrap().is_empty(), "no row is refused because it exists already");
}
