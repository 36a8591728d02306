//! The shop's acceptance suite, on tables.

use cqrs_runtime::Position;
use cqrs_runtime::log::EventQuery;

#[tokio::test]
async fn the_shop_on_tables_does_what_a_shop_does() {
    let folder = tempfile::tempdir().unwrap();
    let app = shop_relational::open(&folder.path().join("shop.db")).await.unwrap();
    shop::acceptance::run(&app, app.log()).await;
}

#[tokio::test]
async fn tables_and_events_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let app = shop_relational::open(&path).await.unwrap();
    shop::acceptance::run(&app, app.log()).await;

    let events = app.log().read(&EventQuery::all(), Position::START, 10_000).await.unwrap().events;
    let stated = |name: &str| i64::try_from(events.iter().filter(|event| event.name() == name).count()).unwrap();
    let tables = rusqlite::Connection::open(&path).unwrap();
    let count = |sql: &str| tables.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM customers"), stated("CustomerRegistered"));
    assert_eq!(count("SELECT count(*) FROM orders"), stated("OrderCreated"));
    assert_eq!(count("SELECT count(*) FROM orders WHERE status = 'shipped'"), stated("OrderShipped"));
    assert_eq!(count("SELECT count(*) FROM orders WHERE status = 'cancelled'"), stated("OrderCancelled"));
}
