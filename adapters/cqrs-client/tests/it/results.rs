//! The same results and errors as the buses in the process itself.

use cqrs_client::Http;
use cqrs_client::reqwest::header::{AUTHORIZATION, HeaderValue};
use cqrs_runtime::client::Client;
use cqrs_runtime::error::RemoteError;
use cqrs_runtime::{Command, CommandError, CommandId, Meta, QueryError, Uuid};

use crate::domain::{
    AccountId, BalanceOf, BankError, Failing, Open, Pay, PaymentError, app, client, gate, refusals, serve,
};

/// Everything that a client can meet, as text.
async fn played(client: &impl Client) -> Vec<String> {
    let mut played = Vec::new();
    let mut note = |text: String| played.push(text);
    let [account, other] = [AccountId::from(Uuid::from_u128(1)), AccountId::from(Uuid::from_u128(2))];
    note(format!("{:?}", client.ask(BalanceOf { account }).await));
    let opened = client.execute(Open { account }).await;
    note(format!("{opened:?}"));
    note(format!("{:?}", client.execute(Open { account }).await));
    let pay = |account, fails| Pay { account, cents: 5, fails };
    note(format!("{:?}", client.execute(pay(other, None)).await));
    note(format!("{:?}", client.execute(pay(account, None)).await));
    for (at, (_, arrives)) in refusals().into_iter().enumerate() {
        if arrives {
            note(format!("{:?}", client.execute(pay(account, Some(u8::try_from(at).unwrap()))).await));
        }
    }
    note(format!("{:?}", client.ask(BalanceOf { account }).await));
    // Ids and expected positions.
    let with_id = || Meta::new().command_id(CommandId::new("checkout 4711"));
    note(format!("{:?}", client.execute_with(pay(account, None), with_id()).await));
    note(format!("{:?}", client.execute_with(pay(account, None), with_id()).await));
    let reused = client.execute_with(Pay { cents: 6, ..pay(account, None) }, with_id()).await;
    let Err(CommandError::IdReused(reused)) = reused else { panic!("{reused:?}") };
    note(format!("{:?} {} {} {}", reused.id, reused.first, reused.position, reused.second));
    let expected = Meta::new().expected(opened.unwrap().position());
    note(format!("{:?}", client.execute_with(pay(account, None), expected).await));
    note(format!("{:?}", client.ask(BalanceOf { account }).await));
    played
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_what_the_app_itself_answers() {
    let (here, there) = (app(&gate()).await, app(&gate()).await);
    let (here, there) = (played(&here).await, played(&client(&there).await).await);
    assert_eq!(here, there);
    assert!(here.iter().any(|text| text.contains("Conflict")), "{here:?}");
}

#[tokio::test]
async fn a_domain_error_is_the_same_enum_or_a_remote_one_with_its_code() {
    let app = app(&gate()).await;
    let client = client(&app).await;
    let account = AccountId::new();
    client.execute(Open { account }).await.unwrap();
    for (at, (refusal, arrives)) in refusals().into_iter().enumerate() {
        let fails = u8::try_from(at).unwrap();
        let error = client.execute(Pay { account, cents: 1, fails: Some(fails) }).await.unwrap_err();
        match error {
            CommandError::Rejected(read) if arrives => assert_eq!(read, refusal),
            CommandError::Remote(error) if !arrives => {
                let code = match refusal {
                    PaymentError::Card(_) => "Card",
                    PaymentError::Away(_) => "Away",
                    _ => "Static",
                };
                assert_eq!((&*error.kind, &*error.code), ("Rejected", code));
            }
            other => panic!("{refusal:?}: {other:?}"),
        }
        // Of a query, by the type that the caller expects.
        let error = client.ask(Failing { fails }).await.unwrap_err();
        let QueryError::Failed(error) = error else { panic!("{error:?}") };
        let error: &RemoteError = error.downcast_ref().unwrap();
        assert_eq!(error.read::<PaymentError>(), arrives.then_some(refusal), "{error:?}");
    }
}

#[tokio::test]
async fn an_error_that_a_client_does_not_know_keeps_its_code_and_fields() {
    let error = RemoteError::new("Rejected", "later").with_code("NewCode".into(), serde_json::Map::new());
    assert_eq!(error.read::<PaymentError>(), None);
    let branch = |members: serde_json::Value| {
        let members = members.as_object().cloned().unwrap();
        RemoteError::new("Rejected", "no").with_code("NoBranch".into(), members).read::<PaymentError>()
    };
    let read = Some(PaymentError::Bank(BankError::NoBranch(7)));
    assert_eq!(branch(serde_json::json!({ "0": 7 })), read);
    assert_eq!(branch(serde_json::json!({ "0": 7, "new": "field" })), read, "a newer server says more");
    assert_eq!(branch(serde_json::json!({ "0": "7" })), None);
    assert_eq!(branch(serde_json::json!({})), None);
}

#[tokio::test]
async fn what_does_not_travel_is_left_out() {
    let app = app(&gate()).await;
    let client = client(&app).await;
    let account = AccountId::new();
    client.execute(Open { account }).await.unwrap();
    let panicked = client.execute(Pay { account, cents: 1, fails: Some(255) }).await.unwrap_err();
    let CommandError::Panicked(panicked) = panicked else { panic!("{panicked:?}") };
    assert_eq!(panicked.command, Pay::NAME);
    assert!(!panicked.message.contains("secret"), "{panicked:?}");
}

#[tokio::test]
async fn ids_that_a_header_cannot_hold_are_refused_before_they_are_sent() {
    let client = Http::new("http://localhost:1");
    for id in ["", "bestellung-ü", "a\nb", "\"4711\"", " 1", &"x".repeat(256)] {
        let meta = Meta::new().command_id(CommandId::new(id));
        let error = client.execute_with(Open { account: AccountId::new() }, meta).await.unwrap_err();
        assert!(matches!(&error, CommandError::Remote(error) if error.kind == "InvalidHeader"), "{id}: {error:?}");
    }
}

#[tokio::test]
async fn a_session_reads_its_own_writes_and_another_one_what_it_is_handed() {
    let app = app(&gate()).await;
    let client = client(&app).await;
    for _ in 0..20 {
        let account = AccountId::new();
        let receipt = client.execute(Open { account }).await.unwrap();
        assert_eq!(client.position(), receipt.position());
        let other = client.session();
        assert_eq!(other.position().get(), 0);
        for session in [client.clone(), other.after(receipt.position())] {
            assert!(session.ask(BalanceOf { account }).await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn null_is_nothing_where_the_router_answers_404_too() {
    let app = app(&gate()).await;
    let url = serve(&app, |options| options.not_found_if_null("BalanceOf")).await;
    let client = Http::new(&format!("http://{url}"));
    assert_eq!(client.ask(BalanceOf { account: AccountId::new() }).await.unwrap(), None);
}

#[tokio::test]
async fn headers_of_the_callers_own_are_sent() {
    let app = app(&gate()).await;
    let url = serve(&app, |options| {
        options.meta((), |headers: axum::http::HeaderMap, meta| {
            meta.actor(headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap()).unwrap_or_default())
        })
    });
    let client = Http::new(&format!("http://{}", url.await)).header(AUTHORIZATION, HeaderValue::from_static("ann"));
    client.execute(Open { account: AccountId::new() }).await.unwrap();
    let read =
        app.log().read(&cqrs_runtime::log::EventQuery::all(), cqrs_runtime::Position::default(), 10).await.unwrap();
    assert_eq!(read.events[0].header().meta.actor.as_deref(), Some("ann"));
}
