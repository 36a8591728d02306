//! Queries over HTTP: fields in the URL, positions, entity tags.

use cqrs_runtime::view::MemoryViews;
use cqrs_runtime::{App, Uuid, log::MemoryLog};
use serde_json::{Value, json};

use crate::client::Server;
use crate::domain::{app, gate};

fn echoed(changes: &Value) -> Value {
    let mut echo = json!({
        "text": "a", "number": null, "ratio": 0.0, "flag": false, "orders": [], "numbers": [], "kind": "Small", "range": null,
    });
    for (name, value) in changes.as_object().unwrap() {
        echo[name] = value.clone();
    }
    echo
}

#[tokio::test]
async fn the_fields_of_a_url_have_the_types_of_the_message() {
    let server = Server::of(&app().await).await;
    let [one, two] = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let cases = [
        ("text=a".to_owned(), json!({})),
        ("text=".to_owned(), json!({ "text": "" })),
        // A text that reads like a number, a truth value or JSON is a text.
        ("text=17".to_owned(), json!({ "text": "17" })),
        ("text=true".to_owned(), json!({ "text": "true" })),
        ("text=%7B%7D".to_owned(), json!({ "text": "{}" })),
        ("text=a+b%20c%26%C3%BC".to_owned(), json!({ "text": "a b c&ü" })),
        ("text=a&number=-9223372036854775808".to_owned(), json!({ "number": i64::MIN })),
        ("text=a&ratio=2.5e3&flag=true".to_owned(), json!({ "ratio": 2500.0, "flag": true })),
        ("text=a&kind=Large".to_owned(), json!({ "kind": "Large" })),
        (format!("text=a&orders={one}"), json!({ "orders": [one] })),
        (format!("text=a&orders={two}&orders={one}"), json!({ "orders": [two, one] })),
        ("text=a&numbers=1&numbers=2".to_owned(), json!({ "numbers": [1, 2] })),
        ("text=a&numbers=%5B1,2%5D".to_owned(), json!({ "numbers": [1, 2] })),
        ("text=a&range=%7B%22from%22:1,%22to%22:2%7D".to_owned(), json!({ "range": { "from": 1, "to": 2 } })),
    ];
    for (query, changes) in cases {
        let answer = server.get(&format!("/queries/Echo?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, echoed(&changes)), "{query}");
        let posted = server.post("/queries/Echo", &[], &answer.json()).await;
        assert_eq!(posted.json(), answer.json(), "{query}");
    }
}

#[tokio::test]
async fn wrong_fields_of_a_url_are_400_with_their_path() {
    let server = Server::of(&app().await).await;
    for (query, path, part) in [
        ("text=a&number=much", "number", "invalid type: string \\\"much\\\""),
        ("text=a&number=007", "number", "invalid type"),
        ("text=a&flag=yes", "flag", "invalid type"),
        ("text=a&text=b", "text", "given 2 times"),
        ("text=a&txt=b", "txt", "there is no such field; the message has "),
        ("text=a&numbers=1&numbers=300", "numbers[1]", "300"),
        ("text=a&kind=Huge", "kind", "Huge"),
        ("number=1", "", "missing field `text`"),
    ] {
        let answer = server.get(&format!("/queries/Echo?{query}")).await;
        assert_eq!(answer.problem(400, "Malformed")["path"], path, "{answer:?}");
        assert!(answer.text.contains(part), "{answer:?}");
    }
}

#[tokio::test]
async fn a_caller_reads_its_own_writes_at_level_2() {
    let builder = App::builder()
        .log(MemoryLog::new())
        .views(MemoryViews::new())
        .shared_state(gate())
        .only_modules(["it::domain"]);
    let server = Server::of(&builder.build().await.unwrap()).await;
    for _ in 0..20 {
        let (order, position) = server.order().await;
        for name in ["ParcelOf", "MyParcel"] {
            let path = format!("/queries/{name}?order={order}");
            let answer = server.send("GET", &path, &[("cqrs-after", &position)], "").await;
            assert_eq!(answer.json()["order"], json!(order), "{answer:?}");
        }
    }
    let path = format!("/queries/MyParcel?order={}", Uuid::nil());
    server.get(&path).await.problem(400, "NoPosition");
    let waiting = [("cqrs-after", "1000"), ("prefer", "respond-async, wait=0")];
    let late = server.send("GET", &path, &waiting, "").await;
    let late = late.problem(504, "NotYet");
    assert_eq!((&late["wanted"], &late["reached"]), (&json!(1000), &json!(20)));
    server.send("GET", &path, &[("cqrs-after", "soon")], "").await.problem(400, "InvalidHeader");
    let known = server.send("GET", &path, &[("cqrs-after", "20"), ("prefer", "wait=3")], "").await;
    assert_eq!((known.status.as_u16(), known.header("preference-applied")), (200, "wait=3"));
}

#[tokio::test]
async fn the_same_answer_is_304() {
    let server = Server::of(&app().await).await;
    let (order, _) = server.order().await;
    let path = format!("/queries/ParcelOf?order={order}");
    let first = server.get(&path).await;
    let tag = first.header("etag");
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{first:?}");
    for same in [tag, &format!("\"x\", W/{tag}"), "*"] {
        let again = server.send("GET", &path, &[("if-none-match", same)], "").await;
        assert_eq!((again.status.as_u16(), &*again.text, again.header("etag")), (304, "", tag), "{same}");
    }
    let shipping = json!({ "order": order, "tracking_number": "TN-1" });
    server.post("/commands/ShipOrder", &[], &shipping).await;
    let changed = server.send("GET", &path, &[("if-none-match", tag)], "").await;
    assert_eq!((changed.status.as_u16(), &changed.json()["tracking_number"]), (200, &json!("TN-1")));
    assert_ne!(changed.header("etag"), tag);
}

#[tokio::test]
async fn nothing_is_null_or_404_as_the_router_says() {
    let app = app().await;
    let path = format!("/queries/ParcelOf?order={}", Uuid::nil());
    let null = Server::of(&app).await.get(&path).await;
    assert_eq!((null.status.as_u16(), &*null.text), (200, "null"));
    let router = cqrs_axum::builder(&app).not_found_if_null("ParcelOf").build().unwrap();
    Server::serve(router).await.get(&path).await.problem(404, "NotFound");
}

#[tokio::test]
async fn the_health_of_the_app_is_shown_without_its_problems() {
    let app = app().await;
    let server = Server::of(&app).await;
    for path in ["/health/live", "/health/ready"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "status": "healthy" })));
    }
    app.close().await;
    let closed = server.get("/health/ready").await;
    assert_eq!((closed.status.as_u16(), closed.json()), (503, json!({ "status": "unhealthy" })));
    assert_eq!(server.get("/health/live").await.status, 200);
}
