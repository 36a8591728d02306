//! Servers that cannot hold views are refused on opening.

use cqrs_redis::redis::{Client, cmd};
use cqrs_redis::{OpenError, RedisViews};
use cqrs_test_servers::Redis;

async fn send(server: &Redis, command: &[&str]) {
    let mut connection = Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    cmd(command[0]).arg(&command[1..]).exec_async(&mut connection).await.unwrap();
}

async fn refused(url: &str) -> OpenError {
    match RedisViews::open(url).await {
        Ok(_) => panic!("{url} was opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_server_that_drops_rows_is_refused() {
    let server = Redis::start().unwrap();
    send(&server, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    let error = refused(server.url()).await;
    assert!(matches!(&error, OpenError::Evicts { policy, .. } if policy == "allkeys-lru"), "{error}");
    send(&server, &["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]).await;
    RedisViews::open(server.url()).await.unwrap();
}

#[tokio::test]
async fn a_replica_is_refused() {
    let server = Redis::start().unwrap();
    send(&server, &["REPLICAOF", "127.0.0.1", "1"]).await;
    let error = refused(server.url()).await;
    assert!(matches!(error, OpenError::Replica(_)), "{error}");
}

#[tokio::test]
async fn an_unreachable_server_is_an_error_without_secrets() {
    assert!(matches!(refused("localhost").await, OpenError::BadUrl(_)));
    let server = Redis::start().unwrap();
    server.stop_immediate().unwrap();
    let url = server.url().replace("redis://", "redis://ann:secret@");
    let error = refused(&url).await;
    assert!(matches!(&error, OpenError::Failed { .. }), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert_eq!(format!("{error:?}"), error.to_string(), "Debug is the same as Display");
}
