//! What the tests share.

use std::time::Duration;

use cqrs_redis::RedisViews;
use cqrs_redis::redis::{AsyncCommands, Client};
use cqrs_runtime::log::Position;
use cqrs_runtime::view::{
    Checkpoint, ColumnKind, IndexShape, Lease, Removed, Row, RowQuery, StandaloneTransaction, Value, ViewShape,
    ViewStore,
};
use cqrs_test_servers::Redis;

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

/// A prefix of its own.
pub fn prefix() -> String {
    format!("test:{}:", cqrs_runtime::Uuid::now_v7())
}

/// An empty store on the shared server.
pub async fn views() -> RedisViews {
    open(Redis::shared(), &prefix()).await
}

/// A store on a server.
pub async fn open(server: &Redis, prefix: &str) -> RedisViews {
    RedisViews::builder(server.url()).prefix(prefix).open().await.unwrap()
}

/// All keys with this prefix, sorted.
pub async fn keys(server: &Redis, prefix: &str) -> Vec<String> {
    let mut connection = Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let mut keys: Vec<String> = connection.keys(format!("{prefix}*")).await.unwrap();
    keys.sort_unstable();
    keys.into_iter().map(|key| key[prefix.len()..].to_owned()).collect()
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
