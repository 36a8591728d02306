//! A password must not appear in an error, in `Debug`, or in a log line.

use cqrs_redis::redis::{Client, cmd};
use cqrs_redis::{OpenError, RedisViews};
use cqrs_runtime::view::ViewStore;
use cqrs_test_servers::{Redis, Said};

fn holds_none(text: &str) {
    for secret in ["hunter2", "hun%2Fter3", "hun/ter3", "right-one"] {
        assert!(!text.contains(secret), "`{secret}`: {text}");
    }
}

async fn refused(url: &str) {
    let builder = RedisViews::builder(url);
    holds_none(&format!("{builder:?} {builder:#?}"));
    let error: OpenError = builder.open().await.err().unwrap_or_else(|| panic!("{url} was opened"));
    holds_none(&format!("{error} {error:?} {error:#?}"));
    assert!(!error.to_string().is_empty());
}

#[tokio::test]
async fn a_password_is_never_shown() {
    let said = Said::listen();
    for url in [
        "redis://ann:hunter2@127.0.0.1:1/0",
        "redis://:hunter2@no-such-host.invalid",
        "redis://ann:hunter2@127.0.0.1:x",
        "redis://ann:hunter2@127.0.0.1:1/hunter2",
        "redis://ann:hun/ter3@127.0.0.1:1",
        "redis://ann:hun?hunter2@127.0.0.1:1",
        "redis:/ann:hunter2@127.0.0.1",
        "http://ann:hunter2@127.0.0.1",
        "hunter2",
    ] {
        refused(url).await;
    }
    let server = Redis::start().unwrap();
    let mut connection = Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    cmd("CONFIG").arg(&["SET", "requirepass", "right-one"]).exec_async(&mut connection).await.unwrap();
    refused(server.url()).await;
    for password in ["hunter2", "hun%2Fter3"] {
        refused(&server.url().replace("redis://", &format!("redis://:{password}@"))).await;
    }
    let views = RedisViews::open(&server.url().replace("redis://", "redis://:right-one@")).await.unwrap();
    holds_none(&format!("{} {views:?} {views:#?}", views.describe()));
    server.stop_immediate().unwrap();
    let error = views.checkpoint("Items").await.unwrap_err();
    holds_none(&format!("{error} {error:?}"));
    holds_none(&said.text());
}
