//! Reads of one snapshot, while other processes replace tables.

use cqrs_postgres::PostgresViews;
use cqrs_runtime::log::{Position, StoreError};
use cqrs_runtime::view::{Filter, Generation, Row, ViewShape, ViewStore};
use cqrs_test_servers::Postgres;

const LIVE: ViewShape =
    ViewShape { name: "Items", key: "item", indexes: &[], multi_indexes: &[], compounds: &[], fingerprint: 1 };
const BUILD: ViewShape = ViewShape { name: "Items.build", fingerprint: 2, ..LIVE };
const OTHER: ViewShape = ViewShape { name: "Others", fingerprint: 3, ..LIVE };

fn row(key: &str) -> Row {
    Row {
        key: key.into(),
        indexes: Vec::new(),
        multi_values: Vec::new(),
        document: "{}".into(),
        position: Position::new(1),
    }
}

/// The tables of a transaction are those that have their names now, but its rows are those of its state: a table that has just taken
/// another's place would seem to be empty.
#[tokio::test]
async fn a_view_that_was_rebuilt_between_two_reads_is_not_read_with_rows_missing() {
    let database = Postgres::shared().database();
    let views = PostgresViews::open(database.url()).await.unwrap();
    for shape in [LIVE, BUILD, OTHER] {
        views.prepare(&shape).await.unwrap();
    }
    let mut tx = views.begin(&[]).await.unwrap();
    tx.write(&LIVE, &[row("a"), row("b")], &[]).await.unwrap();
    tx.commit().await.unwrap();

    let every = Filter::All(Vec::new());
    let snapshot = views.snapshot().unwrap();
    assert_eq!(snapshot.count(&OTHER, &every).await.unwrap(), 0);

    let mut tx = views.begin(&[]).await.unwrap();
    tx.write(&BUILD, &[row("a"), row("b"), row("c")], &[]).await.unwrap();
    let generation = |shape, projection| Generation { shape, projection };
    tx.replace(generation(LIVE, "Items"), generation(BUILD, "Items.build")).await.unwrap();
    tx.commit().await.unwrap();

    let read = snapshot.count(&LIVE, &every).await;
    assert!(matches!(read, Err(StoreError::Unavailable { .. })), "the table is another one: {read:?}");
    assert_eq!(snapshot.count(&OTHER, &every).await.unwrap(), 0, "other views can still be read");
    drop(snapshot);
    assert_eq!(views.snapshot().unwrap().count(&LIVE, &every).await.unwrap(), 3);
}

/// A connection that a snapshot gave back reads the newest state.
#[tokio::test]
async fn a_connection_that_comes_back_from_a_snapshot_is_like_any_other() {
    let database = Postgres::shared().database();
    let views = PostgresViews::builder(database.url()).readers(1).open().await.unwrap();
    views.prepare(&LIVE).await.unwrap();
    let every = Filter::All(Vec::new());
    for rows in 0..3 {
        let snapshot = views.snapshot().unwrap();
        assert_eq!(snapshot.count(&LIVE, &every).await.unwrap(), rows);
        let mut tx = views.begin(&[]).await.unwrap();
        tx.write(&LIVE, &[row(&rows.to_string())], &[]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(snapshot.count(&LIVE, &every).await.unwrap(), rows);
        drop(snapshot);
        assert_eq!(views.count(&LIVE, &every).await.unwrap(), rows + 1, "with the one connection that there is");
    }
}
