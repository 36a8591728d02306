//! What all handlers of the router share.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::request::Parts;
use axum::response::Response;
use cqrs_runtime::access::Principal;
use cqrs_runtime::error::{Named, UnknownName};
use cqrs_runtime::registry::ServedMessage;
use cqrs_runtime::{App, Meta};
use tokio::sync::Semaphore;

use crate::location::Location;
use crate::problem::Problem;

pub(crate) type MetaFuture<'a> = Pin<Box<dyn Future<Output = Result<Meta, Response>> + Send + 'a>>;
/// Completes the metadata of a request, or answers it.
pub(crate) type MetaOf = Arc<dyn for<'a> Fn(&'a mut Parts, Meta) -> MetaFuture<'a> + Send + Sync>;
pub(crate) type PrincipalFuture<'a> = Pin<Box<dyn Future<Output = Result<Option<Principal>, Response>> + Send + 'a>>;
/// Says who sends a request, or answers it.
pub(crate) type PrincipalOf = Arc<dyn for<'a> Fn(&'a mut Parts) -> PrincipalFuture<'a> + Send + Sync>;
/// Makes the answer to an error.
pub(crate) type ProblemAnswer = Arc<dyn Fn(Problem) -> Response + Send + Sync>;

/// What all handlers of the router share.
pub(crate) struct Shared {
    pub(crate) app: App,
    pub(crate) max_body_bytes: usize,
    pub(crate) timeout: Duration,
    pub(crate) requests: Semaphore,
    /// The idempotency keys whose commands run now.
    pub(crate) running: Mutex<HashSet<String>>,
    pub(crate) commands: BTreeMap<&'static str, Arc<ServedMessage>>,
    pub(crate) queries: BTreeMap<&'static str, Arc<ServedMessage>>,
    pub(crate) locations: HashMap<&'static str, Location>,
    pub(crate) not_found_if_null: HashSet<&'static str>,
    pub(crate) meta: MetaOf,
    pub(crate) principal: PrincipalOf,
    pub(crate) problem: ProblemAnswer,
}

impl Shared {
    /// Who asks, as the app's own extractors say.
    pub(crate) async fn caller(&self, parts: &mut Parts) -> Result<(Option<Principal>, Meta), Response> {
        let mut meta = crate::headers::traced(&parts.headers, Meta::new());
        let principal = (self.principal)(parts).await?;
        if let Some(principal) = &principal {
            meta.actor = Some(principal.actor.clone());
            meta.tenant.clone_from(&principal.tenant);
        }
        let meta = (self.meta)(parts, meta).await?;
        Ok((principal, meta))
    }

    /// The answer to a problem.
    pub(crate) fn answer(&self, problem: Problem) -> Response {
        (self.problem)(problem)
    }

    /// The message of a name.
    pub(crate) fn message(&self, what: Named, name: &str) -> Result<&Arc<ServedMessage>, UnknownName> {
        let served = if what == Named::Command { &self.commands } else { &self.queries };
        served.get(name).ok_or_else(|| UnknownName {
            what,
            name: name.to_owned(),
            known: served.keys().copied().collect(),
        })
    }
}
