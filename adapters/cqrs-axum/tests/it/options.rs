//! The router's options, and the router inside the user's own.

use axum::Router;
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use cqrs_axum::{Problem, RouteError};
use cqrs_runtime::{App, Uuid};
use serde_json::json;

use crate::client::Server;
use crate::domain::{CreateOrder, OrderId, app};

/// The caller, who names himself.
struct User(String);

impl<S: Sync> FromRequestParts<S> for User
where
    &'static str: FromRef<S>,
{
    type Rejection = (StatusCode, &'static str);
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let name = parts.headers.get("x-user").and_then(|name| name.to_str().ok());
        name.map(|name| User(name.to_owned())).ok_or((StatusCode::UNAUTHORIZED, FromRef::from_ref(state)))
    }
}

#[tokio::test]
async fn an_extractor_says_who_asks_and_may_refuse() {
    let app = app().await;
    let builder = cqrs_axum::builder(&app).meta("log in first", |User(name), meta| meta.actor(name));
    let server = Server::serve(builder.build().unwrap()).await;
    let order = json!({ "order": Uuid::now_v7() });
    let nobody = server.post("/commands/CreateOrder", &[], &order).await;
    assert_eq!((nobody.status.as_u16(), &*nobody.text), (401, "log in first"));
    let ann = [("x-user", "ann"), ("idempotency-key", "1")];
    assert_eq!(server.post("/commands/CreateOrder", &ann, &order).await.status, 201);
    // Another user's key is another key, although it reads the same.
    let bob = [("x-user", "bob"), ("idempotency-key", "1")];
    let shipping = json!({ "order": order["order"], "tracking_number": "TN-1" });
    assert_eq!(server.post("/commands/ShipOrder", &bob, &shipping).await.status, 204);
    let again = server.post("/commands/CreateOrder", &ann, &order).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, "true"));
    let path = format!("/queries/ParcelOf?order={}", order["order"].as_str().unwrap());
    assert_eq!(server.send("GET", &path, &[("x-user", "ann")], "").await.json()["by"], "bob");
}

#[tokio::test]
async fn the_user_chooses_statuses_and_bodies_of_errors() {
    let app = app().await;
    let answer = |problem: Problem| -> Response {
        let status = if problem.code == "NoTrackingNumber" { StatusCode::IM_A_TEAPOT } else { problem.status };
        (status, json!({ "errors": { "body": [problem.detail] } }).to_string()).into_response()
    };
    let server = Server::serve(cqrs_axum::builder(&app).problem(answer).build().unwrap()).await;
    let (order, _) = server.order().await;
    let refused = server.post("/commands/ShipOrder", &[], &json!({ "order": order, "tracking_number": "" })).await;
    assert_eq!(refused.status, 418);
    assert_eq!(refused.json(), json!({ "errors": { "body": ["a shipment needs a tracking number"] } }));
    // Errors of the router itself too.
    let unknown = server.get("/queries/Nothing").await;
    assert_eq!((unknown.status.as_u16(), unknown.json()["errors"].is_object()), (404, true));
    let method = server.get("/commands/ShipOrder").await;
    assert_eq!((method.status.as_u16(), method.json()["errors"].is_object()), (405, true));
}

#[tokio::test]
async fn it_nests_and_merges_and_a_handler_of_the_users_own_answers_alike() {
    async fn create(State(app): State<App>) -> Result<String, Problem> {
        let order = OrderId::from(Uuid::nil());
        let receipt = app.commands().execute(CreateOrder { order }).await?;
        Ok(receipt.position().to_string())
    }
    let app = app().await;
    let router: Router = Router::new()
        .route("/own", post(create))
        .nest("/api/{version}", cqrs_axum::builder(&app).route("GET /{order}", "ParcelOf").build().unwrap())
        .merge(cqrs_axum::router(&app))
        .with_state(app);
    let server = Server::serve(router).await;
    assert_eq!(server.send("POST", "/own", &[], "").await.text, "1");
    server.send("POST", "/own", &[], "").await.problem(409, "AlreadyExists");
    for path in ["/queries/ParcelOf?order=", "/api/v1/queries/ParcelOf?order=", "/api/v1/"] {
        let answer = server.get(&format!("{path}{}", Uuid::nil())).await;
        assert_eq!(answer.json()["order"], json!(Uuid::nil()), "{path}");
    }
}

#[tokio::test]
async fn a_message_has_a_path_of_its_own() {
    let app = app().await;
    let builder = cqrs_axum::builder(&app)
        .route("POST /orders", "CreateOrder")
        .route("PUT /orders/{order}/shipment", "ShipOrder")
        .route("GET /orders/{order}", "ParcelOf")
        .location("CreateOrder", "/orders/{id}");
    let server = Server::serve(builder.build().unwrap()).await;
    let order = Uuid::now_v7();
    let created = server.post("/orders", &[], &json!({ "order": order })).await;
    let location = created.header("location");
    assert_eq!((created.status.as_u16(), location), (201, &*format!("/orders/{order}")));
    let json = [("content-type", "application/json")];
    let path = format!("{location}/shipment");
    let twice = json!({ "order": order, "tracking_number": "TN-1" }).to_string();
    let twice = server.send("PUT", &path, &json, twice).await;
    assert_eq!(twice.problem(400, "Malformed")["path"], "order");
    let shipped = server.send("PUT", &path, &json, r#"{"tracking_number": "TN-1"}"#).await;
    assert_eq!(shipped.status, 204, "{shipped:?}");
    assert_eq!(server.get(location).await.json()["tracking_number"], "TN-1");
    server.get("/orders/7").await.problem(400, "Malformed");
    server.send("PATCH", location, &[], "").await.problem(405, "MethodNotAllowed");
}

#[tokio::test]
async fn what_could_never_be_answered_is_refused_when_the_router_is_built() {
    let app = app().await;
    let routed = |routes: &[(&str, &str)]| {
        let builder = cqrs_axum::builder(&app);
        let builder = routes.iter().fold(builder, |builder, (route, message)| builder.route(route, message));
        builder.build::<()>().map(drop).unwrap_err()
    };
    for (route, message, part) in [
        ("POST /orders", "CreateOrdr", "did you mean `CreateOrder`?"),
        ("/orders", "CreateOrder", "write a method and a path"),
        ("POST orders", "CreateOrder", "write a method and a path"),
        ("GET /orders", "CreateOrder", "is a command, and is reached by POST, PUT, PATCH, DELETE"),
        ("PUT /orders", "ParcelOf", "is a query, and is reached by GET, POST"),
        ("POST /orders/{id}", "CreateOrder", "`CreateOrder` has no field `id`; it has order"),
        ("POST /orders/{order}/{order}", "CreateOrder", "in the path twice"),
        ("POST /orders/{*order}", "CreateOrder", "is no field"),
        ("POST /orders/x{order}", "CreateOrder", "is no field"),
        ("POST /orders/:order", "CreateOrder", "is no field"),
        ("POST /orders/*order", "CreateOrder", "is no field"),
        ("POST /orders/ü", "CreateOrder", "write a method and a path"),
    ] {
        let error = routed(&[(route, message)]).to_string();
        assert!(error.contains(part), "{error}");
    }
    for (first, second) in [
        (("POST /orders", "CreateOrder"), ("POST /orders", "ShipOrder")),
        (("GET /orders/{order}", "ParcelOf"), ("POST /orders/{text}", "Echo")),
    ] {
        let error = routed(&[first, second]);
        assert!(matches!(&error, RouteError::Clash { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(first.0) && text.contains(second.0) && text.contains("domain.rs:"), "{text}");
    }
    // Names that differ at one place of two paths are no clash.
    let apart = cqrs_axum::builder(&app).route("GET /a/{order}/b", "ParcelOf").route("GET /a/{text}/c", "Echo");
    assert!(apart.build::<()>().is_ok());
    assert!(matches!(routed(&[("GET /health/live", "Echo")]), RouteError::Clash { .. }));
    assert!(matches!(routed(&[("GET /queries/{text}", "Echo")]), RouteError::Clash { .. }));
    for (command, template) in [("CreateOrder", "/orders"), ("Nothing", "/orders/{id}")] {
        assert!(cqrs_axum::builder(&app).location(command, template).build::<()>().is_err(), "{command}");
    }
    assert!(cqrs_axum::builder(&app).not_found_if_null("CreateOrder").build::<()>().is_err());
}
