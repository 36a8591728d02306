//! An app whose workflows, async projections and queries use the database itself.

use std::time::Duration;

use cqrs_postgres::{Postgres, PostgresLog, SqlError};
use cqrs_runtime::App;
use cqrs_runtime::log::{EventLog, EventQuery, RawEvent, append_raw};
use cqrs_runtime::prelude::*;
use cqrs_test_servers::Database;

use crate::support::{builder, client, database, number};

#[derive(Id)]
pub struct ItemId(Uuid);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct ItemStocked {
    #[tag]
    item: ItemId,
    pieces: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum StockError {
    #[error("nothing to stock")]
    Nothing,
    #[error(transparent)]
    Sql(#[from] SqlError),
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = StockError)]
pub struct StockItem {
    item: ItemId,
    pieces: i64,
}

/// Writes to a table, then decides.
#[command]
async fn stock_item(cmd: StockItem, tx: &mut Tx<Postgres>) -> Result<ItemStocked, StockError> {
    let id = cmd.item.to_string();
    tx.execute("INSERT INTO attempts (item) VALUES ($1)", &[&id]).await?;
    if cmd.pieces == 0 {
        return Err(StockError::Nothing);
    }
    Ok(ItemStocked { item: cmd.item, pieces: cmd.pieces })
}

/// The stock, in a table that SQL sums up.
pub struct Stock;

#[projection(on = [ItemStocked])]
impl Stock {
    async fn stocked(tx: &mut Tx<Postgres>, event: &ItemStocked) -> Result<(), SqlError> {
        let id = event.item.to_string();
        let sql = "INSERT INTO stock (item, pieces) VALUES ($1, $2)
                   ON CONFLICT (item) DO UPDATE SET pieces = stock.pieces + excluded.pieces";
        tx.execute(sql, &[&id, &event.pieces]).await?;
        Ok(())
    }
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = i64)]
pub struct PiecesInStock {}

#[query]
async fn pieces_in_stock(_q: PiecesInStock, reader: Reader<Postgres>) -> Result<i64, QueryError> {
    let sum = reader.query_one("SELECT coalesce(sum(pieces), 0)::bigint FROM stock", &[]).await;
    Ok(sum.map_err(QueryError::failed)?.get(0))
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = String)]
pub struct StealByQuery {}

#[query]
async fn steal_by_query(_q: StealByQuery, reader: Reader<Postgres>) -> Result<String, QueryError> {
    let stolen = reader.execute("DELETE FROM stock", &[]).await;
    Ok(stolen.map_or_else(|error| error.to_string(), |rows| format!("{rows} rows deleted")))
}

async fn app() -> (Database, PostgresLog, App) {
    let database = database();
    let tables = "CREATE TABLE attempts (item text NOT NULL);
                  CREATE TABLE stock (item text PRIMARY KEY, pieces bigint NOT NULL CHECK (pieces >= 0))";
    client(database.url()).await.batch_execute(tables).await.unwrap();
    let log = builder(&database).open().await.unwrap();
    let app = App::builder().log(log.clone()).only_modules([module_path!()]).build().await.unwrap();
    (database, log, app)
}

#[tokio::test]
async fn a_workflow_and_an_async_projection_write_in_the_commands_own_transaction() {
    let (database, _log, app) = app().await;
    let item = ItemId::new();
    let receipt = app.commands().execute(StockItem { item, pieces: 3 }).await.unwrap();
    app.commands().execute(StockItem { item, pieces: 4 }).await.unwrap();
    let refused = app.commands().execute(StockItem { item, pieces: 0 }).await.unwrap_err();
    assert!(matches!(refused.rejection(), Some(StockError::Nothing)), "{refused}");
    assert_eq!(app.queries().after(receipt.position()).ask(PiecesInStock {}).await.unwrap(), 7);
    let attempts = number(&client(database.url()).await, "SELECT count(*) FROM attempts").await;
    assert_eq!(attempts, 2, "the writes of a refused command are gone");
}

#[tokio::test]
async fn a_projection_that_fails_is_parked_and_the_command_takes_effect() {
    let (database, log, app) = app().await;
    let item = ItemId::new();
    app.commands().execute(StockItem { item, pieces: 3 }).await.unwrap();
    // The table refuses it. A savepoint undoes the statement that aborted the transaction.
    let receipt = app.commands().execute(StockItem { item, pieces: -5 }).await.unwrap();
    assert_eq!(receipt.position(), 2);
    app.commands().execute(StockItem { item, pieces: 1 }).await.unwrap();
    assert_eq!(app.queries().ask(PiecesInStock {}).await.unwrap(), 3, "its position is unchanged");
    assert_eq!(number(&client(database.url()).await, "SELECT count(*) FROM attempts").await, 3);
    let parked = log.views().unwrap().parked().await.unwrap();
    assert_eq!((parked.len(), parked[0].position.get(), &*parked[0].projection), (1, 2, "Stock"));
    assert!(parked[0].error.contains("violates check constraint"), "{}", parked[0].error);
}

#[tokio::test]
async fn a_projection_catches_up_with_what_it_missed() {
    let (_database, log, app) = app().await;
    let item = ItemId::new();
    let events: Vec<_> = (0..2_500).map(|_| RawEvent::of(&ItemStocked { item, pieces: 2 }).unwrap()).collect();
    append_raw(&log, events, Meta::new()).await.unwrap();
    let receipt = app.commands().execute(StockItem { item, pieces: 1 }).await.unwrap();
    assert_eq!(receipt.position(), 2_501);
    // On a busy machine it takes longer than the default deadline to write 2,500 times.
    let queries = app.queries().after(receipt.position()).within(Duration::from_secs(120));
    assert_eq!(queries.ask(PiecesInStock {}).await.unwrap(), 5_001);
}

#[tokio::test]
async fn a_query_cannot_write_even_by_sql() {
    let (_database, _log, app) = app().await;
    app.commands().execute(StockItem { item: ItemId::new(), pieces: 3 }).await.unwrap();
    let said = app.queries().ask(StealByQuery {}).await.unwrap();
    assert!(said.contains("read-only transaction"), "{said}");
    assert_eq!(app.queries().ask(PiecesInStock {}).await.unwrap(), 3);
}

#[tokio::test]
async fn two_apps_on_one_log_act_as_one() {
    let (database, log, app) = app().await;
    let other = builder(&database).open().await.unwrap();
    let other = App::builder().log(other).only_modules([module_path!()]).build().await.unwrap();
    let item = ItemId::new();
    for round in 0..20 {
        let app = if round % 2 == 0 { &app } else { &other };
        let receipt = app.commands().execute(StockItem { item, pieces: 1 }).await.unwrap();
        assert_eq!(receipt.position(), round + 1);
        assert_eq!(
            app.queries().after(receipt.position()).ask(PiecesInStock {}).await.unwrap(),
            i64::try_from(round).unwrap() + 1
        );
    }
    let all = log.read(&EventQuery::all(), Position::START, 100).await.unwrap();
    assert_eq!(all.events.len(), 20);
}
