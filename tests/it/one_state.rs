//! All reads of one query see one state, on stores that can keep one: no page is torn while commands go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use cqrs_postgres::PostgresLog;
use cqrs_runtime::log::EventLog;
use cqrs_runtime::prelude::*;
use cqrs_sqlite::SqliteLog;
use cqrs_test_servers::Postgres;

/// How many pages are read.
const PAGES: usize = 10_000;

/// How many read at once.
const READERS: usize = 4;

#[derive(Id)]
pub struct SeatId(u32);

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
pub struct SeatTaken {
    #[tag]
    pub seat: SeatId,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
pub struct SeatFreed {
    #[tag]
    pub seat: SeatId,
}

#[derive(View, Serialize, Deserialize, Debug)]
pub struct Seat {
    #[key]
    pub seat: SeatId,
    #[index]
    pub price: i64,
}

#[projection(on = [SeatTaken, SeatFreed])]
impl Seat {
    fn taken(event: &SeatTaken) -> Self {
        Self { seat: event.seat, price: 5 }
    }
    fn freed(self, _: &SeatFreed) -> Option<Self> {
        None
    }
}

/// How many seats are taken.
#[derive(View, Serialize, Deserialize, Debug)]
pub struct Hall {
    #[key]
    pub hall: u32,
    pub taken: u64,
}

#[projection(on = [SeatTaken, SeatFreed])]
impl Hall {
    #[key(0)]
    fn taken(this: Option<Self>, _: &SeatTaken) -> Self {
        Self { hall: 0, taken: this.map_or(0, |this| this.taken) + 1 }
    }
    #[key(0)]
    fn freed(&mut self, _: &SeatFreed) {
        self.taken -= 1;
    }
}

pub struct Place {
    taken: bool,
}

#[aggregate(id = SeatId, on = [SeatTaken, SeatFreed])]
impl Place {
    fn taken(_: Option<Self>, _: &SeatTaken) -> Self {
        Place { taken: true }
    }
    fn freed(&mut self, _: &SeatFreed) {
        self.taken = false;
    }
}

#[derive(Events)]
pub enum Turned {
    Taken(SeatTaken),
    Freed(SeatFreed),
}

/// Takes a seat that is free, and frees one that is taken.
#[derive(Command, Serialize, Deserialize)]
pub struct Turn {
    pub seat: SeatId,
}

#[command]
fn turn(cmd: Turn, seat: Option<&Place>) -> Result<Turned, std::convert::Infallible> {
    let seat_is_taken = seat.is_some_and(|seat| seat.taken);
    Ok(if seat_is_taken {
        Turned::Freed(SeatFreed { seat: cmd.seat })
    } else {
        Turned::Taken(SeatTaken { seat: cmd.seat })
    })
}

/// The same number, in five reads.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<u64>)]
pub struct AskTaken {}

#[query]
async fn taken(_: AskTaken, seats: Views<Seat>, halls: Views<Hall>) -> Result<Vec<u64>, QueryError> {
    let page = seats.scan().order_by(Seat::PRICE.desc()).page(1_000).with_total().await?;
    let hall = halls.get(0).await?.map_or(0, |hall| hall.taken);
    let sum = seats.scan().sum(Seat::PRICE).await?.unsigned_abs();
    let by_price = seats.scan().count_by(Seat::PRICE).await?.first().map_or(0, |(_, rows)| *rows);
    Ok(vec![page.rows.len() as u64, page.total.unwrap_or_default(), hall, sum / 5, by_price])
}

async fn no_page_is_torn(log: impl EventLog) {
    let app = App::builder().only_modules([module_path!()]).log(log).build().await.unwrap();
    for seat in 0..20 {
        app.commands().execute(Turn { seat: SeatId(seat) }).await.unwrap();
    }
    let (over, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let writing = {
        let (app, over) = (app.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            let mut turns = 0;
            while !over.load(Ordering::Relaxed) {
                app.commands().execute(Turn { seat: SeatId(turns % 23) }).await.unwrap();
                turns += 1;
            }
            turns
        })
    };
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let (app, read) = (app.clone(), Arc::clone(&read));
            tokio::spawn(async move {
                while read.fetch_add(1, Ordering::Relaxed) < PAGES {
                    let numbers = app.queries().ask(AskTaken {}).await.unwrap();
                    assert!(numbers.iter().all(|number| *number == numbers[0]), "a torn page: {numbers:?}");
                }
            })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    let turns = writing.await.unwrap();
    assert!(turns > 100, "there was load: {turns} commands");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_page_is_torn_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    no_page_is_torn(SqliteLog::open(folder.path().join("log.db")).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_page_is_torn_in_a_server() {
    let database = Postgres::shared().database();
    no_page_is_torn(PostgresLog::open(database.url()).await.unwrap()).await;
}
