//! Layers around the buses.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::middleware::{BoxError, CommandRequest, CommandResponse, QueryRequest};
use cqrs_runtime::prelude::*;
use cqrs_tests::bank::{AccountId, BalanceOf, OpenAccount, PayIn, PersonId};
use tower_layer::Layer;
use tower_service::Service;

use crate::logs::bank;

type Journal = Arc<Mutex<Vec<String>>>;

/// Puts a doorman around a bus.
struct Door {
    name: &'static str,
    journal: Journal,
}

impl<S> Layer<S> for Door {
    type Service = Doorman<S>;

    fn layer(&self, inner: S) -> Doorman<S> {
        Doorman { name: self.name, journal: Arc::clone(&self.journal), inner }
    }
}

/// Writes down what passes, and refuses everyone called Mallory.
#[derive(Clone)]
struct Doorman<S> {
    name: &'static str,
    journal: Journal,
    inner: S,
}

type Boxed<R> = std::pin::Pin<Box<dyn Future<Output = Result<R, BoxError>> + Send>>;

impl<S> Service<CommandRequest> for Doorman<S>
where
    S: Service<CommandRequest, Response = CommandResponse, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = CommandResponse;
    type Error = BoxError;
    type Future = Boxed<CommandResponse>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: CommandRequest) -> Self::Future {
        self.journal.lock().unwrap().push(format!("{} sees {}", self.name, request.name));
        if request.meta.actor.as_deref() == Some("Mallory") {
            return Box::pin(async { Err("not you".into()) });
        }
        request.meta.tenant = Some("from the door".into());
        let (name, journal) = (self.name, Arc::clone(&self.journal));
        let inner = self.inner.call(request);
        Box::pin(async move {
            let response = inner.await?;
            journal.lock().unwrap().push(format!("{name} saw {:?}", response.outcome()));
            Ok(response)
        })
    }
}

impl<S: Service<QueryRequest, Error = BoxError>> Service<QueryRequest> for Doorman<S> {
    type Response = S::Response;
    type Error = BoxError;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: QueryRequest) -> Self::Future {
        self.journal.lock().unwrap().push(format!("{} sees {}", self.name, request.name));
        self.inner.call(request)
    }
}

#[tokio::test]
async fn layers_stand_around_both_buses_the_first_outermost() {
    let journal = Journal::default();
    let door = |name| Door { name, journal: Arc::clone(&journal) };
    let builder = App::builder()
        .log(MemoryLog::new())
        .command_layer(door("outer"))
        .command_layer(door("inner"))
        .query_layer(door("asked"));
    let app = bank(builder).await;
    let account = AccountId::new();

    app.commands().execute(OpenAccount { account, owner: PersonId::new() }).await.unwrap();
    let mallory = app.commands().with_meta(Meta::new().actor("Mallory"));
    let refused = mallory.execute(PayIn { account, amount: 1 }).await.unwrap_err();
    assert!(matches!(refused, CommandError::Middleware(_)) && refused.to_string().contains("not you"), "{refused}");
    let rejected = app.commands().execute(PayIn { account, amount: 0 }).await.unwrap_err();
    assert!(matches!(rejected, CommandError::Rejected(_)), "a domain error passes through as it is");
    app.queries().ask(BalanceOf { account }).await.unwrap();

    assert_eq!(
        *journal.lock().unwrap(),
        [
            "outer sees OpenAccount",
            "inner sees OpenAccount",
            "inner saw Ok(())",
            "outer saw Ok(())",
            "outer sees PayIn",
            "outer sees PayIn",
            "inner sees PayIn",
            "inner saw Err(\"Rejected\")",
            "outer saw Err(\"Rejected\")",
            "asked sees BalanceOf",
        ]
    );
    let page = app.log().read(&cqrs_runtime::log::EventQuery::all(), Position::START, 9).await.unwrap();
    assert_eq!(page.events[0].header().meta.tenant.as_deref(), Some("from the door"));
}
