//! Who may send which message, and messages with paths of their own. Their domain is an app of its own.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn};
use cqrs_axum::RouteError;
use cqrs_runtime::access::Principal;
use cqrs_runtime::{App, Uuid, log::MemoryLog};
use serde_json::json;

use crate::client::Server;

/// Everything says who may send it.
mod guarded {
    use cqrs_runtime::prelude::*;

    #[derive(Id)]
    pub struct DoorId(Uuid);

    #[derive(Event, Serialize, Deserialize)]
    pub struct DoorMade {
        #[tag]
        pub door: DoorId,
        pub by: Option<String>,
        pub house: Option<String>,
    }

    #[derive(Command, Serialize, Deserialize)]
    #[cqrs(requires = "doors:write", http = "PUT /doors/{door}")]
    pub struct MakeDoor {
        pub door: DoorId,
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = Option<Plate>, requires = "doors:read", http = "GET /doors/{door}", not_found_if_null)]
    pub struct DoorOf {
        pub door: DoorId,
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = u64, public, http = "GET /doors")]
    pub struct CountDoors {}

    pub struct Doorway;

    #[aggregate(id = DoorId, on = [DoorMade])]
    impl Doorway {
        fn made(_: &DoorMade) -> Self {
            Self
        }
    }

    #[command]
    fn make_door(cmd: MakeDoor, _door: Absent<Doorway>, meta: &Meta) -> Result<DoorMade, std::convert::Infallible> {
        Ok(DoorMade { door: cmd.door, by: meta.actor.clone(), house: meta.tenant.clone() })
    }

    #[derive(View, Serialize, Deserialize)]
    pub struct Plate {
        #[key]
        pub door: DoorId,
        pub by: Option<String>,
        pub house: Option<String>,
    }

    #[projection(on = [DoorMade])]
    impl Plate {
        fn made(event: &DoorMade) -> Self {
            Self { door: event.door, by: event.by.clone(), house: event.house.clone() }
        }
    }

    #[query]
    async fn door_of(q: DoorOf, doors: Views<Plate>) -> Result<Option<Plate>, QueryError> {
        doors.get(q.door).await
    }

    #[query]
    async fn count_doors(_q: CountDoors, doors: Views<Plate>) -> Result<u64, QueryError> {
        doors.scan().count().await
    }
}

/// One that says it, and one that was forgotten.
mod forgotten {
    use cqrs_runtime::prelude::*;

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = u64, requires = "numbers")]
    pub struct Guarded {}

    #[query]
    async fn guarded(_q: Guarded) -> Result<u64, QueryError> {
        Ok(1)
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = u64)]
    pub struct Forgotten {}

    #[query]
    async fn forgotten(_q: Forgotten) -> Result<u64, QueryError> {
        Ok(2)
    }
}

/// Two messages on one path.
mod clashing {
    use cqrs_runtime::prelude::*;

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = u64, http = "GET /numbers/{first}")]
    pub struct One {
        pub first: u64,
    }

    #[query]
    async fn one(q: One) -> Result<u64, QueryError> {
        Ok(q.first)
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = u64, http = "GET /numbers/{second}")]
    pub struct Other {
        pub second: u64,
    }

    #[query]
    async fn other(q: Other) -> Result<u64, QueryError> {
        Ok(q.second)
    }
}

async fn app(module: &str) -> App {
    let module = format!("it::access::{module}");
    App::builder().log(MemoryLog::new()).only_modules([module]).build().await.unwrap()
}

/// Who has which token.
fn identify(headers: &HeaderMap) -> Option<Principal> {
    match headers.get("authorization")?.to_str().ok()? {
        "Bearer ann" => Some(Principal::new("ann").tenant("north").permissions(["doors:read", "doors:write"])),
        "Bearer bob" => Some(Principal::new("bob").permission("doors:read")),
        _ => None,
    }
}

/// The same server by an extractor, and by a layer of the user's own.
async fn servers(app: &App) -> [Server; 2] {
    let extracted = cqrs_axum::builder(app).principal((), |headers: HeaderMap| identify(&headers)).build().unwrap();
    let layered: axum::Router = cqrs_axum::router(app);
    let layered = layered.layer(from_fn(|mut request: Request, next: Next| {
        if let Some(principal) = identify(request.headers()) {
            request.extensions_mut().insert(principal);
        }
        next.run(request)
    }));
    [Server::serve(extracted).await, Server::serve(layered).await]
}

#[tokio::test]
async fn a_permission_is_required_on_every_path_and_before_anything_else() {
    for server in servers(&app("guarded").await).await {
        let door = Uuid::now_v7();
        let own = format!("/doors/{door}");
        let body = json!({ "door": door }).to_string();
        let json = ("content-type", "application/json");
        for (method, path, body) in
            [("PUT", &*own, ""), ("POST", "/commands/MakeDoor", &*body), ("PUT", &own, "no JSON")]
        {
            let nobody = server.send(method, path, &[json], body.to_owned()).await;
            let problem = nobody.problem(401, "Unauthenticated");
            assert_eq!((&problem["permission"], nobody.header("www-authenticate")), (&json!("doors:write"), "Bearer"));
            assert!(problem["detail"].as_str().unwrap().contains("doors:write"), "{nobody:?}");
            let bob = [json, ("authorization", "Bearer bob")];
            let bob = server.send(method, path, &bob, body.to_owned()).await.problem(403, "Forbidden");
            assert_eq!((&bob["permission"], &bob["message"]), (&json!("doors:write"), &json!("MakeDoor")));
        }
        server.get(&own).await.problem(401, "Unauthenticated");
        server.get("/queries/DoorOf").await.problem(401, "Unauthenticated");
        let ann = [json, ("authorization", "Bearer ann")];
        assert_eq!(server.send("PUT", &own, &ann, "").await.status, 204);
        let made = server.send("GET", &own, &[("authorization", "Bearer bob")], "").await;
        assert_eq!(made.json(), json!({ "door": door, "by": "ann", "house": "north" }));
        let missing = format!("/doors/{}", Uuid::nil());
        server.send("GET", &missing, &[("authorization", "Bearer bob")], "").await.problem(404, "NotFound");
        // Everybody may ask what is public.
        assert!(server.get("/doors").await.json().as_u64().unwrap() > 0);
        assert_eq!(server.get("/queries/CountDoors").await.status, 200);
        assert_eq!(server.get("/health/live").await.status, 200);
    }
}

#[tokio::test]
async fn the_overview_shows_paths_and_permissions() {
    let overview = app("guarded").await.describe().to_string();
    for part in ["PUT /doors/{door}; requires `doors:write`", "GET /doors; public"] {
        assert!(overview.contains(part), "{overview}");
    }
}

#[tokio::test]
async fn a_message_that_was_forgotten_is_named_when_the_router_is_built() {
    let error = cqrs_axum::builder(&app("forgotten").await).build::<()>().map(drop).unwrap_err();
    let RouteError::Undeclared { messages } = &error else { panic!("{error}") };
    assert!(
        messages.len() == 1 && messages[0].contains("`Forgotten`") && messages[0].contains("access.rs:"),
        "{error}"
    );
    assert!(error.to_string().contains("#[cqrs(public)]"), "{error}");
}

#[tokio::test]
async fn two_messages_on_one_path_are_named_with_their_places() {
    let error = cqrs_axum::builder(&app("clashing").await).build::<()>().map(drop).unwrap_err();
    let RouteError::Clash { first, second } = &error else { panic!("{error}") };
    for (route, clashing) in [("GET /numbers/{first}", first), ("GET /numbers/{second}", second)] {
        assert!(clashing.contains(route) && clashing.contains("access.rs:"), "{error}");
    }
}

#[tokio::test]
async fn a_path_that_leads_to_another_message_than_is_meant_does_nothing() {
    let server = Server::of(&crate::domain::app().await).await;
    let order = json!({ "order": Uuid::now_v7() });
    let answer = server.post("/commands/CreateOrder", &[("cqrs-message", "ShipOrder")], &order).await;
    answer.problem(404, "OtherMessage");
    assert_eq!(server.post("/commands/CreateOrder", &[("cqrs-message", "CreateOrder")], &order).await.status, 201);
}
