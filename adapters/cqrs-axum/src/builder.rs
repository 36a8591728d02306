//! The options of the router, and what it refuses.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::http::{Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, get};
use cqrs_runtime::access::Principal;
use cqrs_runtime::error::Named;
use cqrs_runtime::registry::{ServedMessage, undeclared};
use cqrs_runtime::{App, Meta};
use tokio::sync::Semaphore;

use crate::handle::{Target, handle};
use crate::incoming::json_answer;
use crate::location::Location;
use crate::openapi::OpenApi;
use crate::problem::Problem;
use crate::route::{Route, RouteError};
use crate::shared::{MetaOf, PrincipalOf, ProblemAnswer, Shared};
use crate::{handle, health};

/// Builds the router of an app: [`builder`](crate::builder).
#[must_use = "call `build`"]
pub struct RouterBuilder {
    app: App,
    max_body_bytes: usize,
    timeout: Duration,
    max_concurrent_requests: usize,
    meta: MetaOf,
    principal: PrincipalOf,
    problem: ProblemAnswer,
    health: bool,
    openapi: Option<OpenApi>,
    routes: Vec<(String, String)>,
    locations: Vec<(String, String)>,
    not_found_if_null: Vec<String>,
}

impl std::fmt::Debug for RouterBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RouterBuilder").field("routes", &self.routes).finish_non_exhaustive()
    }
}

impl RouterBuilder {
    pub(crate) fn new(app: &App) -> Self {
        Self {
            app: app.clone(),
            max_body_bytes: 1024 * 1024,
            timeout: Duration::from_secs(30),
            max_concurrent_requests: 1_024,
            meta: Arc::new(|_, meta| Box::pin(std::future::ready(Ok(meta)))),
            principal: Arc::new(|parts| Box::pin(std::future::ready(Ok(parts.extensions.get().cloned())))),
            problem: Arc::new(IntoResponse::into_response),
            health: true,
            openapi: None,
            routes: Vec::new(),
            locations: Vec::new(),
            not_found_if_null: Vec::new(),
        }
    }

    /// The longest body of a request, in bytes. A longer one is answered with 413, and is not read to its end. Default: one
    /// mebibyte. The app has a limit of its own for messages, `AppBuilder::max_message_bytes`, with the same default.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// How long a request may take. Default: 30 seconds.
    ///
    /// Within this time the body must have arrived (otherwise 408), a command must have been started (otherwise 504, and it has
    /// no effect), and a query must be answered (otherwise 504). A command that was started is not interrupted before twice
    /// this time. `Prefer: wait=SECONDS` shortens it for one request.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many requests are handled at the same time. Further ones are answered at once, with 503 and `Retry-After`. Requests
    /// for health do not count. Default: 1,024.
    pub fn max_concurrent_requests(mut self, requests: usize) -> Self {
        self.max_concurrent_requests = requests.min(Semaphore::MAX_PERMITS);
        self
    }

    /// Completes each request's [`Meta`], its actor or its tenant, from an extractor of your own. Where the extractor refuses a
    /// request, its rejection is the answer, before anything else happens. Default: no actor and no tenant.
    ///
    /// `state` is what the extractor takes as its state: `()` if it needs none.
    ///
    /// ```
    /// # use axum::extract::FromRequestParts;
    /// # use axum::http::{StatusCode, request::Parts};
    /// # use cqrs_runtime::App;
    /// struct User(String);
    ///
    /// impl<S: Sync> FromRequestParts<S> for User {
    ///     type Rejection = StatusCode;
    ///     async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
    ///         let name = parts.headers.get("x-user").and_then(|name| name.to_str().ok());
    ///         name.map(|name| User(name.to_owned())).ok_or(StatusCode::UNAUTHORIZED)
    ///     }
    /// }
    ///
    /// # fn example(app: &App) {
    /// let builder = cqrs_axum::builder(app).meta((), |User(name), meta| meta.actor(name));
    /// # }
    /// ```
    pub fn meta<E, S>(mut self, state: S, complete: impl Fn(E, Meta) -> Meta + Send + Sync + 'static) -> Self
    where
        E: FromRequestParts<S> + Send + 'static,
        S: Send + Sync + 'static,
    {
        let shared = Arc::new((state, complete));
        self.meta = Arc::new(move |parts, meta| {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                let (state, complete) = &*shared;
                let extracted = E::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
                Ok(complete(extracted, meta))
            })
        });
        self
    }

    /// Says who sends a request, from an extractor of your own: for messages with `#[cqrs(requires = "..")]`. Actor and tenant of the
    /// message are the principal's. Where the extractor refuses a request, its rejection is the answer. Default: the [`Principal`] among
    /// the request's extensions, where a layer of your own puts it, or nobody.
    ///
    /// `identify` returns a `Principal`, or an `Option` of one. `state` is what the extractor takes as its state.
    ///
    /// ```
    /// # use axum::http::HeaderMap;
    /// # use cqrs_runtime::App;
    /// use cqrs_runtime::access::Principal;
    ///
    /// fn identify(headers: HeaderMap) -> Option<Principal> {
    ///     let is_ann = headers.get("authorization").is_some_and(|value| value == "Bearer of-ann");
    ///     is_ann.then(|| Principal::new("ann").permission("orders:write"))
    /// }
    ///
    /// # fn example(app: &App) {
    /// let builder = cqrs_axum::builder(app).principal((), identify);
    /// # }
    /// ```
    pub fn principal<E, S, P>(mut self, state: S, identify: impl Fn(E) -> P + Send + Sync + 'static) -> Self
    where
        E: FromRequestParts<S> + Send + 'static,
        S: Send + Sync + 'static,
        P: Into<Option<Principal>>,
    {
        let shared = Arc::new((state, identify));
        self.principal = Arc::new(move |parts| {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                let (state, identify) = &*shared;
                let extracted = E::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
                Ok(identify(extracted).into())
            })
        });
        self
    }

    /// Makes the answer to each error, for statuses and bodies of your own. Default: the problem itself.
    ///
    /// ```
    /// # use axum::{http::StatusCode, response::{IntoResponse, Response}};
    /// # use cqrs_axum::Problem;
    /// # use cqrs_runtime::App;
    /// fn answer(mut problem: Problem) -> Response {
    ///     if problem.code == "NoLines" {
    ///         problem.status = StatusCode::BAD_REQUEST;
    ///     }
    ///     problem.into_response()
    /// }
    ///
    /// # fn example(app: &App) {
    /// let builder = cqrs_axum::builder(app).problem(answer);
    /// # }
    /// ```
    pub fn problem(mut self, answer: impl Fn(Problem) -> Response + Send + Sync + 'static) -> Self {
        self.problem = Arc::new(answer);
        self
    }

    /// A further path for a message: `.route("POST /orders/{order}/ship", "ShipOrder")`. Its own is best written on the message,
    /// `#[cqrs(http = "POST /orders/{order}/ship")]`.
    ///
    /// The fields come from the path, the query string and the JSON body. The last two may be missing. A field in two places is
    /// an error of the request. A command is reached by `POST`, `PUT`, `PATCH` or `DELETE`, a query by `GET` or `POST`.
    pub fn route(mut self, method_and_path: &str, message: &str) -> Self {
        self.routes.push((method_and_path.to_owned(), message.to_owned()));
        self
    }

    /// The `Location` of what a command creates: `.location("CreateOrder", "/orders/{id}")`, where `{id}` stands for the id that
    /// the command returns. It is a URL as the client sees it. Default: no such header.
    pub fn location(mut self, command: &str, template: &str) -> Self {
        self.locations.push((command.to_owned(), template.to_owned()));
        self
    }

    /// Answers this query with 404 where its answer is `null`, the `None` of an `Option`, as `#[cqrs(not_found_if_null)]` on the query
    /// does. Default: 200, and `null`.
    pub fn not_found_if_null(mut self, query: &str) -> Self {
        self.not_found_if_null.push(query.to_owned());
        self
    }

    /// Leaves `/health/live` and `/health/ready` out.
    pub fn without_health(mut self) -> Self {
        self.health = false;
        self
    }

    /// Serves an OpenAPI 3.1 document as `/openapi.json`, and a page to read and try it as `/openapi`. Default: neither.
    ///
    /// ```
    /// # use cqrs_runtime::App;
    /// use cqrs_axum::OpenApi;
    ///
    /// # fn example(app: &App) {
    /// let builder = cqrs_axum::builder(app).openapi(OpenApi::new("Shop", "1.0"));
    /// # }
    /// ```
    pub fn openapi(mut self, document: OpenApi) -> Self {
        self.openapi = Some(document);
        self
    }

    /// The OpenAPI document that the router would serve, for a test that compares it with a committed file. `null` without
    /// [`openapi`](Self::openapi).
    ///
    /// # Errors
    /// As for [`build`](Self::build), and if two types have one schema name.
    pub fn openapi_document(mut self) -> Result<serde_json::Value, RouteError> {
        let document = self.openapi.take();
        let (shared, routes) = self.checked(document.is_some())?;
        document.map_or(Ok(serde_json::Value::Null), |document| document.document(&shared, &routes))
    }

    /// The router. It nests, merges and takes layers like any other, and fits a router of any state.
    ///
    /// # Errors
    /// See [`RouteError`]: an option names a message that the app does not serve, two routes clash, or a message does not say who may
    /// send it while another one does.
    pub fn build<S: Clone + Send + Sync + 'static>(mut self) -> Result<Router<S>, RouteError> {
        let (openapi, health) = (self.openapi.take(), self.health);
        let (shared, routes) = self.checked(openapi.is_some())?;
        let document = openapi.map(|openapi| openapi.document(&shared, &routes)).transpose()?;
        let shared = Arc::new(shared);
        let mut paths: BTreeMap<String, MethodRouter<S>> = BTreeMap::new();
        let mut add = |path: &str, methods: MethodFilter, target: Target| {
            let shared = Arc::clone(&shared);
            let methods_of_path = paths.remove(path).unwrap_or_default();
            let handler = move |request: Request| handle(Arc::clone(&shared), target.clone(), request);
            paths.insert(path.to_owned(), methods_of_path.on(methods, handler));
        };
        add("/commands/{name}", MethodFilter::POST, Target::Named(Named::Command));
        add("/queries/{name}", MethodFilter::GET.or(MethodFilter::POST), Target::Named(Named::Query));
        for route in routes {
            let filter = MethodFilter::try_from(route.method).map_err(|_| RouteError::method(&route.written))?;
            add(&route.path, filter, Target::Route { message: route.message, fields: route.fields });
        }
        let mut router = Router::new();
        for (path, methods) in paths {
            let shared = Arc::clone(&shared);
            router = router.route(
                &path,
                methods.fallback(move |method: Method| std::future::ready(handle::other_method(&shared, &method))),
            );
        }
        if let Some(document) = document {
            let document: Arc<str> = document.to_string().into();
            router = router
                .route(
                    "/openapi.json",
                    get(move || std::future::ready(json_answer(StatusCode::OK, document.to_string()))),
                )
                .route("/openapi", get(|| std::future::ready(Html(include_str!("openapi.html")))));
        }
        if health {
            let (live, ready) = (shared.app.clone(), shared.app.clone());
            router = router
                .route("/health/live", get(move || health::live(live.clone())))
                .route("/health/ready", get(move || health::ready(ready.clone())));
        }
        Ok(router)
    }

    /// What the options say, and the routes, of which no two clash.
    fn checked(self, openapi: bool) -> Result<(Shared, Vec<Route>), RouteError> {
        let (mut commands, mut queries) = (BTreeMap::new(), BTreeMap::new());
        let messages = self.app.messages();
        let undeclared = undeclared(&messages);
        if !undeclared.is_empty() {
            let shown = |message: &&ServedMessage| format!("`{}` ({})", message.name, message.place);
            return Err(RouteError::Undeclared { messages: undeclared.iter().map(shown).collect() });
        }
        for message in messages {
            let served = if message.what == Named::Command { &mut commands } else { &mut queries };
            served.insert(message.name, Arc::new(message));
        }
        let mut shared = Shared {
            app: self.app,
            max_body_bytes: self.max_body_bytes,
            timeout: self.timeout,
            requests: Semaphore::new(self.max_concurrent_requests),
            running: Mutex::default(),
            commands,
            queries,
            locations: HashMap::new(),
            not_found_if_null: HashSet::new(),
            meta: self.meta,
            principal: self.principal,
            problem: self.problem,
        };
        for (command, template) in &self.locations {
            let name = shared.message(Named::Command, command).map_err(RouteError::Unknown)?.name;
            let location = Location::parse(template).ok_or_else(|| RouteError::location(command, template))?;
            shared.locations.insert(name, location);
        }
        let by_themselves = shared.queries.values().filter(|query| query.exposure.not_found_if_null);
        shared.not_found_if_null = by_themselves.map(|query| query.name).collect();
        for query in &self.not_found_if_null {
            let name = shared.message(Named::Query, query).map_err(RouteError::Unknown)?.name;
            shared.not_found_if_null.insert(name);
        }
        let routes = Route::all(&self.routes, &shared, self.health, openapi)?;
        Ok((shared, routes))
    }
}
