//! Servers that cannot hold views are refused when they are opened.

use cqrs_redis::redis::{Client, cmd};
use cqrs_redis::{OpenError, RedisViews};
use cqrs_test_servers::Redis;

async fn told(server: &Redis, command: &[&str]) {
    let mut connection = Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    cmd(command[0]).arg(&command[1..]).exec_async(&mut connection).await.unwrap();
}

async fn refused(url: &str) -> OpenError {
    match RedisViews::open(url).await {
        Ok(_) => panic!("{url} is opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_server_that_drops_rows_is_refused() {
    let server = Redis::start().unwrap();
    told(&server, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    let error = refused(server.url()).await;
    assert!(matches!(&error, OpenError::Evicts { policy, .. } if policy == "allkeys-lru"), "{error}");
    told(&server, &["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]).await;
    RedisViews::open(server.url()).await.unwrap();
}

#[tokio::test]
async fn a_replica_is_refused() {
    let server = Redis::start().unwrap();
    told(&server, &["REPLICAOF", "127.0.0.1", "1"]).await;
    let error = refused(server.url()).await;
    assert!(matches!(error, OpenError::Replica(_)), "{error}");
}

#[tokio::test]
async fn what_is_no_server_is_told_without_secrets() {
    assert!(matches!(refused("localhost").await, OpenError::BadUrl(_)));
    let server = Redis::start().unwrap();
    server.stop_immediate().unwrap();
    let url = server.url().replace("redis://", "redis://ann:secret@");
    let error = refused(&url).await;
    assert!(matches!(&error, OpenError::Failed { .. }), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert_eq!(format!("{error:?}"), error.to_string(), "as a `main` prints it");
}
