//! Answers to what goes wrong inside: full queues, locked files, layers that refuse, histories that cannot be folded.

use std::task::{Context, Poll};
use std::time::Duration;

use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::middleware::{BoxError, CommandRequest, QueryRequest};
use cqrs_runtime::{App, DomainError, Uuid};
use cqrs_sqlite::SqliteLog;
use cqrs_sqlite::rusqlite::Connection;
use serde_json::json;

use crate::client::Server;
use crate::domain::gate;

/// A handler whose event cannot be stored, and one whose event no history can follow.
mod faulty {
    use cqrs_runtime::prelude::*;

    #[derive(Id)]
    pub struct MeterId(Uuid);

    #[derive(Event, Serialize, Deserialize)]
    pub struct MeterMade {
        #[tag]
        pub meter: MeterId,
        pub value: f64,
    }

    #[derive(Command, Serialize, Deserialize)]
    pub struct MakeMeter {
        pub meter: MeterId,
        pub is_number: bool,
    }

    #[derive(Command, Serialize, Deserialize)]
    pub struct ReadMeter {
        pub meter: MeterId,
    }

    pub struct Meter;

    #[aggregate(id = MeterId, on = [MeterMade])]
    impl Meter {
        fn made(_: &MeterMade) -> Self {
            Self
        }
    }

    /// It does not look whether the meter exists.
    #[command]
    fn make_meter(cmd: MakeMeter) -> Result<MeterMade, std::convert::Infallible> {
        Ok(MeterMade { meter: cmd.meter, value: if cmd.is_number { 1.0 } else { f64::NAN } })
    }

    #[command]
    fn read_meter(cmd: ReadMeter, _meter: &Meter) -> Result<Option<MeterMade>, std::convert::Infallible> {
        let _ = cmd;
        Ok(None)
    }
}

#[tokio::test]
async fn what_cannot_be_stored_or_folded_is_500_without_its_cause() {
    let builder = App::builder().log(MemoryLog::new()).only_modules(["it::inside::faulty"]);
    let server = Server::of(&builder.build().await.unwrap()).await;
    let meter = Uuid::now_v7();
    let make = |is_number: bool| json!({ "meter": meter, "is_number": is_number });
    let encode = server.post("/commands/MakeMeter", &[], &make(false)).await;
    encode.problem(500, "Encode");
    assert!(!encode.text.contains("NaN"), "{encode:?}");
    // The first event makes it, and the second is one that its history cannot have.
    for _ in 0..2 {
        assert_eq!(server.post("/commands/MakeMeter", &[], &make(true)).await.status, 204);
    }
    let corrupt = server.post("/commands/ReadMeter", &[], &json!({ "meter": meter })).await;
    corrupt.problem(500, "Corrupt");
    assert!(!corrupt.text.contains("MeterMade"), "{corrupt:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_is_503_and_says_that_the_command_had_no_effect() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.db");
    let log = SqliteLog::builder(&file).lock_timeout(Duration::from_millis(50)).open().await.unwrap();
    let app = App::builder().log(log).only_modules(["it::domain"]).shared_state(gate()).build().await.unwrap();
    let server = Server::of(&app).await;
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let order = json!({ "order": Uuid::now_v7() });
    let locked = server.post("/commands/CreateOrder", &[], &order).await;
    let problem = locked.problem(503, "Unavailable");
    assert_eq!((&problem["outcome"], locked.header("retry-after")), (&json!("none"), "1"));
    assert!(!locked.text.contains("log.db"), "{locked:?}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(server.post("/commands/CreateOrder", &[], &order).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_503_and_the_command_had_no_effect() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.db");
    let log = SqliteLog::builder(&file).lock_timeout(Duration::from_secs(20)).open().await.unwrap();
    let builder = App::builder().log(log).command_queue_capacity(1).only_modules(["it::domain"]);
    let app = builder.shared_state(gate()).build().await.unwrap();
    let server = Server::of(&app).await;
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let send = || {
        let address = server.address;
        tokio::spawn(async move {
            let order = json!({ "order": Uuid::now_v7() });
            Server { address }.post("/commands/CreateOrder", &[("prefer", "wait=1")], &order).await
        })
    };
    let sent: Vec<_> = (0..6).map(|_| send()).collect();
    let mut full = 0;
    for answer in sent {
        let answer = answer.await.unwrap();
        match answer.json()["kind"].as_str() {
            Some("QueueFull") => {
                answer.problem(503, "QueueFull");
                assert_eq!(answer.header("retry-after"), "1");
                full += 1;
            }
            // What was taken from the queue waits for the lock, and ends with its own deadline.
            _ => assert!(answer.status.as_u16() == 504, "{answer:?}"),
        }
    }
    assert!(full > 0, "a queue of one holds no five");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(app.log().head().await.unwrap(), 0);
}

/// Refuses with an error of its own.
#[derive(Clone)]
struct Refusing(fn() -> BoxError);

#[derive(Clone)]
struct Refuser(fn() -> BoxError);

impl<S> tower_layer::Layer<S> for Refusing {
    type Service = Refuser;
    fn layer(&self, _: S) -> Refuser {
        Refuser(self.0)
    }
}

macro_rules! refuses {
    ($($request:ty => $response:ty),+) => {$(
        impl tower_service::Service<$request> for Refuser {
            type Response = $response;
            type Error = BoxError;
            type Future = std::future::Ready<Result<$response, BoxError>>;
            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
                Poll::Ready(Ok(()))
            }
            fn call(&mut self, _: $request) -> Self::Future {
                std::future::ready(Err((self.0)()))
            }
        }
    )+};
}
refuses!(
    CommandRequest => cqrs_runtime::middleware::CommandResponse,
    QueryRequest => cqrs_runtime::middleware::QueryResponse
);

#[derive(Debug, thiserror::Error, DomainError)]
#[error("too many of them; come back tomorrow")]
#[cqrs(code = "quota", status = 429)]
struct Quota {
    limit: u32,
}

#[tokio::test]
async fn a_layer_refuses_with_403_or_with_what_its_error_says() {
    let plain: fn() -> BoxError = || "secret".into();
    let quota: fn() -> BoxError = || Box::new(Quota { limit: 7 });
    for (error, is_plain) in [(plain, true), (quota, false)] {
        let builder = App::builder().log(MemoryLog::new()).command_layer(Refusing(error)).query_layer(Refusing(error));
        let app = builder.only_modules(["it::domain"]).shared_state(gate()).build().await.unwrap();
        let server = Server::of(&app).await;
        let order = json!({ "order": Uuid::now_v7() });
        for answer in
            [server.post("/commands/CreateOrder", &[], &order).await, server.get("/queries/Echo?text=a").await]
        {
            if is_plain {
                answer.problem(403, "Middleware");
                assert!(!answer.text.contains("secret"), "{answer:?}");
            } else {
                let problem = answer.problem(429, "Rejected");
                assert_eq!((&problem["code"], &problem["limit"]), (&json!("quota"), &json!(7)));
            }
        }
        assert_eq!(app.log().head().await.unwrap(), 0);
    }
}
