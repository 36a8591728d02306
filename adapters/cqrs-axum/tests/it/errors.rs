//! Every kind of error has its status, and says nothing of the inside.

use std::time::Duration;

use cqrs_runtime::{App, Uuid, log::MemoryLog};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Server;
use crate::domain::{app, app_with, gate};

#[tokio::test]
async fn what_cannot_be_read_is_400_with_its_path_and_changes_nothing() {
    let app = app().await;
    let server = Server::of(&app).await;
    let json = [("content-type", "application/json; charset=utf-8")];
    let deep = format!("{}{}", "[".repeat(900), "]".repeat(900));
    for (body, path) in [
        ("{".to_owned(), ""),
        (String::new(), ""),
        (deep, "[0]"),
        (r#"{"order": 7, "tracking_number": "a"}"#.into(), "order"),
        (r#"{"order": "00000000-0000-0000-0000-000000000000", "tracking_number": null}"#.into(), "tracking_number"),
    ] {
        let answer = server.send("POST", "/commands/ShipOrder", &json, body).await;
        let problem = answer.problem(400, "Malformed");
        assert_eq!((&problem["path"], &problem["message"]), (&json!(path), &json!("ShipOrder")), "{answer:?}");
        assert!(problem["instance"].as_str().unwrap().starts_with("urn:uuid:"), "{answer:?}");
    }
    let answer = server.send("POST", "/commands/ShipOrder", &json, vec![b'"', 0xFF, b'"']).await;
    answer.problem(400, "Malformed");
    assert_eq!(app.log().head().await.unwrap(), 0);
}

#[tokio::test]
async fn an_unknown_name_is_404_with_the_nearest() {
    let server = Server::of(&app().await).await;
    let answer = server.post("/commands/ShipOrdr", &[], &json!({})).await;
    let problem = answer.problem(404, "Unknown");
    assert_eq!(problem["detail"], "there is no command `ShipOrdr`; did you mean `ShipOrder`?");
    server.get("/queries/ShipOrder").await.problem(404, "Unknown");
    server.get("/queries/%2e%2e%2fx").await.problem(404, "Unknown");
    server.get("/queries/%FF").await.problem(400, "InvalidPath");
}

#[tokio::test]
async fn other_methods_are_405() {
    let server = Server::of(&app().await).await;
    let answer = server.get("/commands/ShipOrder").await;
    answer.problem(405, "MethodNotAllowed");
    assert_eq!(answer.header("allow"), "POST");
    let answer = server.send("DELETE", "/queries/ParcelOf", &[], "").await;
    answer.problem(405, "MethodNotAllowed");
    assert_eq!(answer.header("allow"), "GET,HEAD,POST");
}

#[tokio::test]
async fn absent_is_404_and_present_409_without_code_of_the_user() {
    let server = Server::of(&app().await).await;
    let (order, _) = server.order().await;
    let exists = server.post("/commands/CreateOrder", &[], &json!({ "order": order })).await;
    let exists = exists.problem(409, "AlreadyExists");
    assert_eq!((&exists["aggregate"], &exists["id"]), (&json!("Order"), &json!(order)));
    let nobody = Uuid::now_v7();
    let shipping = json!({ "order": nobody, "tracking_number": "TN-1" });
    let absent = server.post("/commands/ShipOrder", &[], &shipping).await.problem(404, "NotFound");
    assert_eq!((&absent["aggregate"], &absent["id"]), (&json!("Order"), &json!(nobody)));
    server.post("/commands/ShipSlowly", &[], &json!({ "order": nobody })).await.problem(404, "NotFound");
}

#[tokio::test]
async fn a_refusal_of_the_domain_has_its_own_code_status_and_members() {
    let server = Server::of(&app().await).await;
    let (order, _) = server.order().await;
    let ship = async |number: &str| {
        server.post("/commands/ShipOrder", &[], &json!({ "order": order, "tracking_number": number })).await
    };
    let refused = ship("").await.problem(422, "Rejected");
    assert_eq!(
        (&refused["code"], &refused["type"]),
        (&json!("NoTrackingNumber"), &json!("urn:cqrs:Rejected:NoTrackingNumber"))
    );
    assert_eq!(refused["detail"], "a shipment needs a tracking number");
    // A wrapped error says what it is itself, without its cause.
    let refused = ship("depot 7").await.problem(410, "Rejected");
    assert_eq!((&refused["code"], &refused["0"], &refused["1"]), (&json!("CarrierError"), &json!(7), &json!(null)));
    let down = ship("down").await;
    assert_eq!(down.problem(503, "Rejected")["code"], "CarrierDown");
    assert!(!down.text.contains("secret"), "{down:?}");
    assert_eq!(ship("TN-1").await.status, 204);
    let refused = ship("TN-2").await.problem(409, "Rejected");
    assert_eq!((&refused["code"], &refused["tracking_number"]), (&json!("already-shipped"), &json!("TN-1")));
    let refused = server.get("/queries/Echo?text=carrier").await.problem(410, "Rejected");
    assert_eq!(refused["0"], 9);
}

#[tokio::test]
async fn panics_and_errors_of_the_inside_are_500_without_their_text() {
    let server = Server::of(&app().await).await;
    let exploded = server.post("/commands/Explode", &[], &json!({ "order": Uuid::nil() })).await;
    exploded.problem(500, "Panicked");
    for (query, kind) in [("explode", "Panicked"), ("fail", "Failed")] {
        let answer = server.get(&format!("/queries/Echo?text={query}")).await;
        answer.problem(500, kind);
        assert!(!answer.text.contains("secret"), "{answer:?}");
    }
    assert!(!exploded.text.contains("secret"), "{exploded:?}");
    assert_eq!(server.get("/queries/Echo?text=a").await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_too_long_or_no_json_are_refused() {
    let builder =
        App::builder().log(MemoryLog::new()).max_message_bytes(100).only_modules(["it::domain"]).shared_state(gate());
    let app = builder.build().await.unwrap();
    let server = Server::of(&app).await;
    let long = json!({ "order": Uuid::nil(), "tracking_number": "a".repeat(100) });
    server.post("/commands/ShipOrder", &[], &long).await.problem(413, "TooLarge");
    let server = Server::serve(cqrs_axum::builder(&app).max_body_bytes(50).build().unwrap()).await;
    server.post("/commands/ShipOrder", &[], &long).await.problem(413, "TooLarge");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for headers in [&form[..], &[]] {
        let answer = server.send("POST", "/commands/ShipOrder", headers, "order=1").await;
        answer.problem(415, "UnsupportedMediaType");
    }
    let merge = [("content-type", "application/vnd.shop+json")];
    server.send("POST", "/commands/ShipOrder", &merge, "{}").await.problem(400, "Malformed");
}

/// Sends a head by hand, and returns the answer.
async fn by_hand(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[tokio::test]
async fn a_body_of_a_gigabyte_is_refused_unread_and_a_slow_one_in_time() {
    let app = app().await;
    let router = cqrs_axum::builder(&app).timeout(Duration::from_millis(50)).build().unwrap();
    let server = Server::serve(router).await;
    let head = "POST /commands/ShipOrder HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    let large = by_hand(&server, &format!("{head}content-length: 1073741824\r\n\r\n")).await;
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    let slow = by_hand(&server, &format!("{head}content-length: 10\r\n\r\n{{")).await;
    assert!(slow.starts_with("HTTP/1.1 408"), "{slow}");
    assert!(slow.contains("BodyTimedOut"), "{slow}");
}

#[tokio::test]
async fn too_many_requests_at_once_are_503_and_health_still_answers() {
    let gate = gate();
    let app = app_with(&gate).await;
    let server = Server::serve(cqrs_axum::builder(&app).max_concurrent_requests(1).build().unwrap()).await;
    let (order, _) = server.order().await;
    let ship = json!({ "order": order });
    let first = server.post("/commands/ShipSlowly", &[], &ship);
    let second = async {
        gate.arrived.acquire().await.unwrap().forget();
        let busy = server.get("/queries/Echo?text=a").await;
        let ready = server.get("/health/ready").await;
        gate.open.add_permits(1);
        (busy, ready)
    };
    let (first, (busy, ready)) = tokio::join!(first, second);
    busy.problem(503, "Busy");
    assert_eq!(busy.header("retry-after"), "1");
    assert_eq!((first.status.as_u16(), ready.status.as_u16()), (204, 200));
    assert_eq!(server.get("/queries/Echo?text=a").await.status, 200);
}

#[tokio::test]
async fn a_command_that_does_not_end_is_504_and_says_that_it_may_take_effect() {
    let app = app().await;
    let router = cqrs_axum::builder(&app).timeout(Duration::from_millis(20)).build().unwrap();
    let server = Server::serve(router).await;
    let (order, _) = server.order().await;
    let answer = server.post("/commands/ShipSlowly", &[], &json!({ "order": order })).await;
    let problem = answer.problem(504, "TimedOut");
    assert_eq!(problem["outcome"], "unknown");
    assert!(problem["detail"].as_str().unwrap().contains("may still take effect"), "{answer:?}");
}

#[tokio::test]
async fn an_app_that_shuts_down_is_503() {
    let app = app().await;
    let server = Server::of(&app).await;
    app.close().await;
    let answer = server.post("/commands/CreateOrder", &[], &json!({ "order": Uuid::nil() })).await;
    answer.problem(503, "ShutDown");
    assert_eq!(answer.header("retry-after"), "1");
}
