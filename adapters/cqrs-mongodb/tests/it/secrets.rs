//! A password must not appear in an error, in `Debug`, or in a log line.

use std::time::Duration;

use cqrs_mongodb::{MongoViews, OpenError};
use cqrs_runtime::view::ViewStore;
use cqrs_test_servers::{Mongo, Said};

fn holds_none(text: &str) {
    for secret in ["hunter2", "hun%2Fter3", "hun/ter3"] {
        assert!(!text.contains(secret), "`{secret}`: {text}");
    }
}

#[tokio::test]
async fn a_password_is_never_shown() {
    let said = Said::listen();
    for url in [
        "mongodb://ann:hunter2@127.0.0.1:1/shop?serverSelectionTimeoutMS=100",
        "mongodb://ann:hun%2Fter3@127.0.0.1:1/shop?serverSelectionTimeoutMS=100",
        "mongodb://ann:hunter2@127.0.0.1:x/shop",
        "mongodb://ann:hunter2@127.0.0.1:1",
        "mongodb://ann:hun/hunter2@127.0.0.1:1/shop",
        "mongodb://ann:hun@hunter2@127.0.0.1:1/shop",
        "mongodb://ann:hunter2@127.0.0.1:1/shop?tls=hunter2",
        "mongodb://ann:hunter2@127.0.0.1:1/shop?hunter2",
        "mongodb://ann@127.0.0.1:1/shop?authMechanism=hunter2",
        "mongodb://ann@127.0.0.1:1/shop?tlsCertificateKeyFilePassword=hunter2&tls=maybe",
        "mongodb:/ann:hunter2@127.0.0.1/shop",
        "hunter2",
    ] {
        let builder = MongoViews::builder(url).response_timeout(Duration::from_secs(5));
        holds_none(&format!("{builder:?} {builder:#?}"));
        let error: OpenError = builder.open().await.err().unwrap_or_else(|| panic!("{url} was opened"));
        holds_none(&format!("{error} {error:?} {error:#?}"));
        assert!(!error.to_string().is_empty());
    }
    let server = Mongo::start().unwrap();
    if let Ok(views) = MongoViews::open(&server.url("shop").replace("mongodb://", "mongodb://ann:hunter2@")).await {
        holds_none(&format!("{} {views:?} {views:#?}", views.describe()));
    }
    holds_none(&said.text());
}
