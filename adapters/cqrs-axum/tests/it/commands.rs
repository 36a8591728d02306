//! Commands over HTTP: what is accepted, what is repeated, what the caller expects.

use cqrs_runtime::log::EventQuery;
use cqrs_runtime::{App, Position, Uuid};
use serde_json::json;

use crate::client::Server;
use crate::domain::{app, app_with, gate};

#[tokio::test]
async fn what_creates_is_201_and_what_returns_nothing_204_each_with_its_position() {
    let app = app().await;
    let server = Server::of(&app).await;
    let order = Uuid::now_v7();
    let created = server.post("/commands/CreateOrder", &[], &json!({ "order": order })).await;
    assert_eq!((created.status.as_u16(), created.json()), (201, json!(order)));
    assert_eq!((created.header("cqrs-position"), created.header("location")), ("1", ""));
    let shipping = json!({ "order": order, "tracking_number": "TN-1" });
    let shipped = server.post("/commands/ShipOrder", &[], &shipping).await;
    assert_eq!((shipped.status.as_u16(), &*shipped.text, shipped.header("cqrs-position")), (204, "", "2"));
    assert_eq!(shipped.header("idempotency-replayed"), "");
}

#[tokio::test]
async fn a_repeated_key_is_answered_as_the_first_time() {
    let folder = tempfile::tempdir().unwrap();
    let log = cqrs_sqlite::SqliteLog::open(folder.path().join("log.db")).await.unwrap();
    let app = App::builder().log(log).only_modules(["it::domain"]).shared_state(gate()).build().await.unwrap();
    let server = Server::of(&app).await;
    let order = json!({ "order": Uuid::now_v7() });
    let first = server.post("/commands/CreateOrder", &[("idempotency-key", "\"k-1\"")], &order).await;
    for key in ["k-1", "\"k-1\""] {
        let again = server.post("/commands/CreateOrder", &[("idempotency-key", key)], &order).await;
        assert_eq!((again.status, &again.text), (first.status, &first.text));
        assert_eq!(again.header("cqrs-position"), first.header("cqrs-position"));
        assert_eq!(again.header("idempotency-replayed"), "true");
    }
    let other = json!({ "order": Uuid::now_v7() });
    let refused = server.post("/commands/CreateOrder", &[("idempotency-key", "k-1")], &other).await;
    refused.problem(422, "IdReused");
    assert_eq!(app.log().head().await.unwrap(), 1);
}

#[tokio::test]
async fn a_key_whose_command_runs_is_409_and_free_again_afterwards() {
    let gate = gate();
    let server = Server::of(&app_with(&gate).await).await;
    let (order, _) = server.order().await;
    let ship = json!({ "order": order });
    let key = [("idempotency-key", "slow")];
    let first = server.post("/commands/ShipSlowly", &key, &ship);
    let second = async {
        gate.arrived.acquire().await.unwrap().forget();
        let answer = server.post("/commands/ShipSlowly", &key, &ship).await;
        gate.open.add_permits(1);
        answer
    };
    let (first, second) = tokio::join!(first, second);
    second.problem(409, "IdempotencyKeyInUse");
    assert_eq!(second.header("retry-after"), "1");
    assert_eq!(first.status, 204, "{first:?}");
    let third = server.post("/commands/ShipSlowly", &key, &ship).await;
    assert_eq!((third.status.as_u16(), third.header("idempotency-replayed")), (204, "true"));
}

#[tokio::test]
async fn an_unusable_key_is_refused() {
    let server = Server::of(&app().await).await;
    let order = json!({ "order": Uuid::now_v7() });
    for key in ["", "\"\"", &"k".repeat(256), "schlüssel"] {
        let answer = server.post("/commands/CreateOrder", &[("idempotency-key", key)], &order).await;
        assert_eq!(answer.problem(400, "InvalidHeader")["header"], "idempotency-key", "{key}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    server.post("/commands/CreateOrder", &twice, &order).await.problem(400, "InvalidHeader");
}

#[tokio::test]
async fn a_command_takes_effect_only_at_the_expected_position() {
    let server = Server::of(&app().await).await;
    let (order, position) = server.order().await;
    let (_, later) = server.order().await;
    let shipping = json!({ "order": order, "tracking_number": "TN-1" });
    for wrong in ["0", "\"0\"", "99999"] {
        server.post("/commands/ShipOrder", &[("if-match", wrong)], &shipping).await.problem(409, "Conflict");
    }
    for invalid in ["*", "W/\"1\"", "-1", "18446744073709551616"] {
        server.post("/commands/ShipOrder", &[("if-match", invalid)], &shipping).await.problem(400, "InvalidHeader");
    }
    // Another order's events do not count.
    assert_ne!(position, later);
    let quoted = format!("\"{position}\"");
    let shipped = server.post("/commands/ShipOrder", &[("if-match", &quoted)], &shipping).await;
    assert_eq!(shipped.status, 204, "{shipped:?}");
    // A workflow too.
    let slowly = json!({ "order": order });
    server.post("/commands/ShipSlowly", &[("if-match", &later)], &slowly).await.problem(409, "Conflict");
    // What loads no aggregate has nothing to compare.
    server.post("/commands/Explode", &[("if-match", "1")], &slowly).await.problem(400, "InvalidHeader");
}

#[tokio::test]
async fn a_repeated_key_is_answered_even_where_the_expected_position_has_passed() {
    let server = Server::of(&app().await).await;
    let (order, position) = server.order().await;
    let shipping = json!({ "order": order, "tracking_number": "TN-1" });
    let headers = [("if-match", &*position), ("idempotency-key", "k")];
    for replayed in ["", "true"] {
        let answer = server.post("/commands/ShipOrder", &headers, &shipping).await;
        assert_eq!((answer.status.as_u16(), answer.header("idempotency-replayed")), (204, replayed), "{answer:?}");
    }
}

#[tokio::test]
async fn a_trace_is_continued() {
    let app = app().await;
    let server = Server::of(&app).await;
    let order = json!({ "order": Uuid::now_v7() });
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    server.post("/commands/CreateOrder", &[("traceparent", parent), ("tracestate", "a=1")], &order).await;
    let other = json!({ "order": Uuid::now_v7() });
    let answer = server.post("/commands/CreateOrder", &[("traceparent", "00-nothing")], &other).await;
    assert_eq!(answer.status, 201);
    let page = app.log().read(&EventQuery::all(), Position::START, 10).await.unwrap();
    let traces: Vec<_> = page.events.iter().map(|event| event.header().meta.trace.clone()).collect();
    let trace = traces[0].as_ref().expect("the first command's trace");
    assert_eq!((trace.to_string(), trace.tracestate()), (parent.to_owned(), Some("a=1")));
    assert_eq!(traces[1], None);
}

#[tokio::test]
async fn a_query_string_gives_a_command_its_fields_as_well() {
    let server = Server::of(&app().await).await;
    let order = Uuid::now_v7();
    let created = server.send("POST", &format!("/commands/CreateOrder?order={order}"), &[], "").await;
    assert_eq!(created.status, 201, "{created:?}");
}
