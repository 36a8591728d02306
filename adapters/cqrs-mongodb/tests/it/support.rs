//! What the tests share.

use std::time::Duration;

use cqrs_mongodb::MongoViews;
use cqrs_mongodb::mongodb::bson::Document;
use cqrs_mongodb::mongodb::{Client, Collection, Database};
use cqrs_runtime::log::Position;
use cqrs_runtime::view::{
    Checkpoint, ColumnKind, IndexShape, Lease, Removed, Row, RowQuery, StandaloneTransaction, Value, ViewShape,
    ViewStore,
};
use cqrs_test_servers::Mongo;

/// Longer than any test takes.
pub const LONG: Duration = Duration::from_secs(600);

pub const ITEMS: ViewShape = ViewShape {
    name: "Items",
    key: "item",
    indexes: &[IndexShape { name: "size", kind: ColumnKind::Integer }],
    multi_indexes: &[],
    compounds: &[],
    fingerprint: 7,
};

/// The URL of a database of its own.
pub fn database() -> String {
    Mongo::shared().url(&format!("test-{}", cqrs_runtime::Uuid::now_v7()))
}

/// An empty store on the shared server.
pub async fn views() -> MongoViews {
    open(&database()).await
}

/// A store in a database.
pub async fn open(url: &str) -> MongoViews {
    MongoViews::open(url).await.unwrap()
}

/// The database, for direct access.
pub async fn client(url: &str) -> Database {
    Client::with_uri_str(url).await.unwrap().default_database().unwrap()
}

/// The collections of a database, sorted, without their numbers.
pub async fn collections(url: &str) -> Vec<String> {
    let mut names = client(url).await.list_collection_names().await.unwrap();
    names.sort_unstable();
    names.iter().map(|name| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()).collect()
}

/// The collection of a view's rows.
pub async fn collection_of(url: &str, view: &str) -> Collection<Document> {
    let database = client(url).await;
    let state = database.collection::<Document>("cqrs.state").find_one(Document::new()).await.unwrap().unwrap();
    let mut views = state.get_array("views").unwrap().iter().filter_map(|view| view.as_document());
    let there = views.find(|known| known.get_str("name").unwrap() == view).unwrap();
    database.collection(there.get_str("collection").unwrap())
}

pub fn item(key: &str, position: u64, size: i64) -> Row {
    Row {
        key: key.into(),
        indexes: vec![Value::Integer(size)],
        multi_values: Vec::new(),
        document: format!("{{\"size\":{size}}}").into(),
        position: Position::new(position),
    }
}

pub fn gone(key: &str, position: u64) -> Removed {
    Removed { key: key.into(), position: Position::new(position) }
}

pub fn at(position: u64) -> Checkpoint {
    Checkpoint::at(Position::new(position).into(), ITEMS.fingerprint)
}

pub async fn lease(views: &dyn ViewStore, owner: &str, time: Duration) -> Option<Lease> {
    views.lease(&["Items"], owner, time).await.unwrap().pop().unwrap()
}

/// Writes rows in a transaction, and sets a checkpoint if there is one.
pub async fn writing(
    views: &dyn ViewStore,
    leases: &[Lease],
    put: &[Row],
    remove: &[Removed],
    reached: Option<u64>,
) -> Box<dyn StandaloneTransaction> {
    let mut tx = views.begin(leases).await.unwrap();
    tx.write(&ITEMS, put, remove).await.unwrap();
    if let Some(reached) = reached {
        tx.set_checkpoints(&[("Items", at(reached))]).await.unwrap();
    }
    tx
}

pub async fn every(views: &dyn ViewStore, shape: &ViewShape) -> Vec<Row> {
    let every = RowQuery::all();
    views.find(shape, &every).await.unwrap()
}
