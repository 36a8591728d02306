//! What is sent again, and what a caller learns where nothing helps.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cqrs_client::Http;
use cqrs_core::store_error::StoreError;
use cqrs_runtime::client::Client;
use cqrs_runtime::{CommandError, CommandId, Meta, QueryError};

use crate::domain::{AccountId, BalanceOf, Open, Pay, PaySlowly, app, gate, serve};
use crate::faulty::{Fate, way};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_takes_effect_once_however_often_the_way_fails() {
    let app = app(&gate()).await;
    let server = serve(&app, |options| options).await;
    let account = AccountId::new();
    app.execute(Open { account }).await.unwrap();
    let mut expected = 0;
    for fates in [
        &[Fate::RequestLost][..],
        &[Fate::AnswerLost],
        &[Fate::AnswerTorn],
        &[Fate::Says("503 Service Unavailable"), Fate::Says("502 Bad Gateway"), Fate::Says("429 Too Many Requests")],
        &[Fate::AnswerLost, Fate::Says("504 Gateway Timeout"), Fate::AnswerTorn, Fate::RequestLost],
    ] {
        let way = way(&server, fates).await;
        let client = Http::new(&way.url);
        let receipt = client.execute(Pay { account, cents: 1, fails: None }).await.unwrap();
        expected += 1;
        assert_eq!(way.requests.load(Ordering::SeqCst), fates.len() + 1, "{fates:?}");
        // The caller gave no id, so it is the first time to him.
        assert_eq!((receipt.events(), receipt.is_repeated()), (2, false), "{fates:?}");
        let balance = client.ask(BalanceOf { account }).await.unwrap().unwrap();
        assert_eq!(balance.cents, expected, "{fates:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_asked_again_too() {
    let app = app(&gate()).await;
    let way = way(&serve(&app, |options| options).await, &[Fate::AnswerTorn, Fate::RequestLost]).await;
    assert_eq!(Http::new(&way.url).ask(BalanceOf { account: AccountId::new() }).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_not_sent_again() {
    let app = app(&gate()).await;
    let server = serve(&app, |options| options).await;
    let account = AccountId::new();
    app.execute(Open { account }).await.unwrap();
    // The domain chose 503 for the eighth.
    for fails in [0, 1, 8, 255] {
        let way = way(&server, &[]).await;
        Http::new(&way.url).execute(Pay { account, cents: 1, fails: Some(fails) }).await.unwrap_err();
        assert_eq!(way.requests.load(Ordering::SeqCst), 1, "{fails}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_time_is_up_a_caller_learns_whether_it_may_have_taken_effect() {
    let app = app(&gate()).await;
    let server = serve(&app, |options| options).await;
    let account = AccountId::new();
    let within = Duration::from_millis(400);
    let forever = |fate| vec![fate; 100];
    for (fate, is_unknown) in [
        (Fate::RequestLost, true),
        (Fate::AnswerLost, true),
        (Fate::Says("503 Service Unavailable"), true),
        (Fate::Says("429 Too Many Requests"), false),
    ] {
        let way = way(&server, &forever(fate)).await;
        let client = Http::new(&way.url).within(within);
        let start = Instant::now();
        let error = client.execute(Open { account }).await.unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(5), "{fate:?}");
        assert!(way.requests.load(Ordering::SeqCst) > 1, "{fate:?}");
        let unknown = matches!(&error, CommandError::Unavailable(StoreError::Unknown { .. }));
        assert_eq!(unknown, is_unknown, "{fate:?}: {error:?}");
        let error = client.ask(BalanceOf { account }).await.unwrap_err();
        let is_unavailable = matches!(error, QueryError::Unavailable(StoreError::Unavailable { .. }));
        assert!(is_unavailable || matches!(fate, Fate::Says(_)), "{fate:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_has_done_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://ann:hunter2@{address}/");
    let client = Http::new(&url).within(Duration::from_millis(200));
    let error = client.execute(Open { account: AccountId::new() }).await.unwrap_err();
    let CommandError::Unavailable(StoreError::Unavailable { store, reason }) = error else { panic!("{error:?}") };
    assert!(
        store.contains(&address.to_string()) && !format!("{store}{reason}").contains("hunter2"),
        "{store}: {reason}"
    );
}

#[tokio::test]
async fn a_url_that_is_none_is_an_error_at_once() {
    let start = Instant::now();
    for url in ["", "shop", "http://", "ftp://shop"] {
        let error = Http::new(url).execute(Open { account: AccountId::new() }).await.unwrap_err();
        assert!(matches!(error, CommandError::Unavailable(StoreError::Failed { .. })), "{url}: {error:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_still_runs_is_waited_for() {
    let gate = gate();
    let app = app(&gate).await;
    let client = Http::new(&format!("http://{}", serve(&app, |options| options).await));
    let account = AccountId::new();
    client.execute(Open { account }).await.unwrap();
    let meta = || Meta::new().command_id(CommandId::new("1"));
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.execute_with(PaySlowly { account }, meta()).await }
    });
    gate.arrived.acquire().await.unwrap().forget();
    let second = tokio::spawn(async move { client.execute_with(PaySlowly { account }, meta()).await });
    gate.open.add_permits(1);
    let (first, second) = (first.await.unwrap().unwrap(), second.await.unwrap().unwrap());
    assert_eq!((first.is_repeated(), second.is_repeated(), first.position()), (false, true, second.position()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_started_and_does_not_end_has_an_unknown_outcome() {
    let gate = gate();
    let app = app(&gate).await;
    let client =
        Http::new(&format!("http://{}", serve(&app, |options| options.timeout(Duration::from_millis(300))).await));
    let account = AccountId::new();
    client.execute(Open { account }).await.unwrap();
    let error = client.execute(PaySlowly { account }).await.unwrap_err();
    assert!(matches!(&error, CommandError::Unavailable(StoreError::Unknown { .. })), "{error:?}");
}
