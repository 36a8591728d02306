//! Servers that cannot hold views are refused on opening. One that is unreachable gives an error
//! quickly.

use std::time::{Duration, Instant};

use cqrs_mongodb::{MongoViews, OpenError};
use cqrs_runtime::log::StoreError;
use cqrs_runtime::view::ViewStore;
use cqrs_test_servers::Mongo;

use crate::support::{ITEMS, database, open};

async fn refused(url: &str) -> OpenError {
    match MongoViews::open(url).await {
        Ok(_) => panic!("{url} was opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn an_invalid_url_is_an_error_that_says_what_to_write() {
    for (url, said) in [
        ("localhost", "no scheme"),
        ("redis://localhost/shop", "scheme"),
        ("mongodb://localhost", "it names no database"),
        ("mongodb://localhost/?tls=maybe", "tls"),
    ] {
        let error = refused(url).await;
        assert!(matches!(error, OpenError::BadUrl(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(said) && text.ends_with("host[:port]/database`"), "{text}");
    }
    #[cfg(not(feature = "srv"))]
    assert!(refused("mongodb+srv://localhost/shop").await.to_string().contains("needs the feature `srv`"));
}

#[tokio::test]
async fn an_unreachable_server_is_an_error_without_secrets_in_time() {
    let server = Mongo::start().unwrap();
    let views = open(&server.url("shop")).await;
    views.prepare(&ITEMS).await.unwrap();
    server.stop_immediate().unwrap();
    let started = Instant::now();
    let away = views.rows(&ITEMS, &["a".into()]).await.unwrap_err();
    assert!(matches!(away, StoreError::Unavailable { .. }), "{away:?}");
    let url = server.url("shop").replace("mongodb://", "mongodb://ann:secret@");
    let error = refused(&url).await;
    assert!(matches!(&error, OpenError::Failed { .. }), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert_eq!(format!("{error:?}"), error.to_string(), "Debug is the same as Display");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_store_has_its_address_as_name_without_secrets() {
    let url = database();
    let name = open(&url).await.describe();
    let (host, database) = url.strip_prefix("mongodb://").unwrap().split_once('/').unwrap();
    assert_eq!(name, format!("the views in MongoDB at {host}/{database} (`cqrs.`)"));
    let other = MongoViews::builder(&url).prefix("other.").open().await.unwrap();
    assert_ne!(other.describe(), name, "stores with other prefixes are separate");
}
