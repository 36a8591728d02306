//! Whether an app works, and if not, what to do.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::App;
use crate::projection::{ProjectionState, ProjectionStatus};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Parked, ViewStore};

/// How long [`App::health`] takes at most: less than the second that Kubernetes gives a probe.
const PATIENCE: Duration = Duration::from_millis(900);

/// How many seconds behind a projection is when health reports it.
const BEHIND: f64 = 60.0;

/// A projection of another process that is this many seconds behind may hang there.
const STILL: f64 = 5.0;

/// The health of an app: the answer of a `/health` endpoint, as JSON, or as text by `Display`.
///
/// Use [`is_ready`](Self::is_ready) for a readiness probe and [`is_alive`](Self::is_alive) for a liveness probe. The problems
/// contain errors of databases, and are for operators only. The [`status`](Self::status) is for anyone.
///
/// ```
/// use cqrs_runtime::app::{Health, HealthStatus};
///
/// let json = r#"{"status":"healthy","alive":true,"problems":[]}"#;
/// let health: Health = serde_json::from_str(json).unwrap();
/// assert!(health.is_ready() && health.status == HealthStatus::Healthy);
/// assert_eq!(serde_json::to_string(&health).unwrap(), json);
/// assert_eq!(health.to_string(), "healthy");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The worst status of any part.
    pub status: HealthStatus,
    /// `false` if only a restart helps.
    pub alive: bool,
    /// The problems, the worst first.
    pub problems: Vec<Problem>,
}

/// The health of an app or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// No problem.
    Healthy,
    /// Commands are executed and queries answered, but something needs attention. A projection fails, is paused, has parked keys, is
    /// not built yet, or is more than a minute behind. A policy has parked something, keeps failing, or has stopped. The sequencer's
    /// queue is full. Or the app no longer runs its projections.
    Degraded,
    /// Commands are not executed, or queries are not answered: the log or the read side fails or does not answer, or the sequencer
    /// has stopped.
    Unhealthy,
}

/// A problem, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// How severe it is.
    pub status: HealthStatus,
    /// The part with the problem: `log`, `read side`, `sequencer`, `runner`, or a projection or policy by
    /// name.
    pub part: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Health {
    /// Whether the app should get requests. `false` only if it is [`Unhealthy`](HealthStatus::Unhealthy).
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status < HealthStatus::Unhealthy
    }

    /// Whether this process should go on. `false` only if the sequencer has stopped: only a restart fixes that. An unreachable
    /// database is not a reason to restart.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.alive
    }
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        })
    }
}

/// `projection `Orders`: what is wrong: what to do`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, what, remedy, .. } = self;
        write!(f, "{part}: {what}; {remedy}")
    }
}

/// The status, and a line for each problem.
impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n- {problem}"))
    }
}

impl App {
    /// The health of the app: [`HealthStatus`] lists what affects it. The call takes less than a second, even if a store hangs.
    ///
    /// ```
    /// # use cqrs_runtime::App;
    /// # async fn example(app: App) {
    /// let health = app.health().await;
    /// let code = if health.is_ready() { 200 } else { 503 };
    /// println!("{code}: {health}");
    /// # }
    /// ```
    pub async fn health(&self) -> Health {
        self.health_within(PATIENCE).await
    }

    /// Like [`health`](Self::health), with another time limit. A store that has not answered by then counts
    /// as unreachable.
    pub async fn health_within(&self, patience: Duration) -> Health {
        let mut found = Found::default();
        let deadline = Instant::now() + patience;
        self.examine_sequencer(&mut found);
        self.examine_policies(&mut found);
        for name in &self.inner.newer_names {
            let remedy = "update this program; until then it ignores what is stored under that name";
            found.degraded("log", format!("it holds {name}; this program does not know that name"), remedy);
        }
        let answers = self.examine_stores(deadline, &mut found).await;
        if answers {
            self.examine_projections(deadline, &mut found).await;
        }
        found.health()
    }

    fn examine_sequencer(&self, found: &mut Found) {
        let sequencer = &self.services.sequencer;
        if sequencer.is_closed() {
            let what = "the app was closed: this process executes no commands and updates no views".into();
            return found.unhealthy("sequencer", what, "send requests to another process, and stop this one");
        }
        if sequencer.has_stopped() {
            found.alive = false;
            found.unhealthy("sequencer", "it has stopped: no command is executed".into(), "restart this process");
        } else if sequencer.is_full() {
            let what = format!(
                "its queue is full: {} commands wait, and further callers wait for a place",
                sequencer.waiting()
            );
            let remedy = "check what holds the log's lock, and whether the database is too slow for the load";
            found.degraded("sequencer", what, remedy);
        }
        if let Some((lost, last)) = self.services.head.lost() {
            let what = format!(
                "it has lost events: it held {lost} while this process ran and no longer does; when that was noticed it ended at position {}",
                last.position
            );
            let remedy = "check which events the backup or the other server lacks, and that projections and policies are healthy; then confirm \
                          with `App::dismiss_lost_events`";
            found.degraded("log", what, remedy);
        }
        if self.services.reads.runners().any(|runner| !runner.is_at_work()) {
            let what = "this process no longer updates the read side".into();
            found.degraded("runner", what, "restart it, unless it is closing and another process takes over");
        }
    }

    fn examine_policies(&self, found: &mut Found) {
        for status in self.policies() {
            let Some(error) = status.error else { continue };
            if status.stopped {
                let remedy = format!(
                    "find out what it did about lost events, then resume it after a position: \
                     `App::resume_policy(\"{}\", POSITION)`; the log's head skips everything that the log holds",
                    status.name
                );
                found.degraded(&policy(status.name), format!("it has stopped: {error}"), &remedy);
            } else {
                let what = format!("it keeps failing after position {}, and retries: {error}", status.position);
                found.degraded(&policy(status.name), what, "fix the cause of the error; it resumes automatically");
            }
        }
        if self.services.sequencer.is_closed() {
            return;
        }
        for name in self.inner.policies.stopped() {
            found.degraded(&policy(name), "it has stopped in this process".into(), "restart this process");
        }
    }

    /// Whether all stores answer.
    async fn examine_stores(&self, deadline: Instant, found: &mut Found) -> bool {
        let log = Arc::clone(&self.services.log);
        let log = Asked::new(log.describe(), async move { log.probe().await });
        let views: Vec<Asked<()>> = self.services.reads.own().cloned().map(probed).collect();
        let mut answers = true;
        if let Err(error) = log.answer(deadline).await {
            answers = false;
            found.unhealthy(
                "log",
                error.to_string(),
                "check the database and the network; commands fail until it is reachable",
            );
        }
        for views in views {
            if let Err(error) = views.answer(deadline).await {
                answers = false;
                let remedy = "check the database and the network; queries fail until it is reachable, commands do not";
                found.unhealthy("read side", error.to_string(), remedy);
            }
        }
        answers
    }

    async fn examine_projections(&self, deadline: Instant, found: &mut Found) {
        let (app, other) = (self.clone(), self.clone());
        let statuses = Asked::new("the log or the read side".into(), async move { app.projections().await });
        let parked = Asked::new("the log or the read side".into(), async move { other.parked().await });
        match statuses.answer(deadline).await {
            Ok(statuses) => statuses.iter().for_each(|status| examine(status, found)),
            Err(error) => found.unhealthy(
                "read side",
                format!("cannot read projection positions: {error}"),
                "check the databases and the network",
            ),
        }
        match parked.answer(deadline).await {
            Ok(parked) => self.examine_parked(&parked, found),
            Err(error) => found.unhealthy(
                "read side",
                format!("cannot list parked keys: {error}"),
                "check the databases and the network",
            ),
        }
    }

    fn examine_parked(&self, parked: &[Parked], found: &mut Found) {
        let of = |owner: &str| parked.iter().filter(|parked| parked.projection == owner).collect::<Vec<_>>();
        for info in self.inner.registry.projections() {
            let name = info.name;
            match of(name).as_slice() {
                [] => {}
                [whole] if whole.key.is_empty() => {
                    let what = format!("it is parked as a whole, at {}", place(whole));
                    let remedy = format!(
                        "fix its method or its tables, then call `App::retry(\"{name}\", \"\")`; or skip the event with `App::skip`"
                    );
                    found.degraded(&projection(name), what, &remedy);
                }
                keys => {
                    let what =
                        format!("{} parked, the first at {}", counted(keys.len(), "key is", "keys are"), first(keys));
                    let remedy = format!(
                        "fix the fold method, then call `App::retry(\"{name}\", KEY)` for each key of `App::parked`; or skip its event with `App::skip`"
                    );
                    found.degraded(&projection(name), what, &remedy);
                }
            }
        }
        let owners: BTreeSet<&str> = parked.iter().map(|parked| &*parked.projection).collect();
        for owner in owners {
            let Some(name) = crate::policy::name_of(owner) else { continue };
            let unfinished = of(owner);
            let number = counted(unfinished.len(), "event or command is", "events or commands are");
            let what = format!("{number} parked, the first at {}", first(&unfinished));
            if self.inner.registry.policies().iter().any(|info| info.owner == owner) {
                let remedy = format!(
                    "fix the cause, then call `App::retry_policy(\"{name}\")`; or discard them with `App::dismiss_policy`"
                );
                found.degraded(&policy(name), what, &remedy);
            } else {
                let what = format!("{what}; this program has no such policy");
                let remedy = format!(
                    "if it was renamed, write `#[policy(was = \"{name}\", ..)]` on its new name; or discard them with `App::dismiss_policy(\"{name}\")`"
                );
                found.degraded(&policy(name), what, &remedy);
            }
        }
    }
}

fn examine(status: &ProjectionStatus, found: &mut Found) {
    let part = projection(status.name);
    let error = status.last_error.as_deref().unwrap_or("the error is not known");
    match status.state {
        ProjectionState::Failing(times) => {
            let what = format!("it has failed {}, and retries: {error}", counted(times as usize, "time", "times"));
            found.degraded(&part, what, "fix the cause of the error; it resumes automatically");
        }
        ProjectionState::Paused => {
            let what = format!("it is paused at position {}", status.position);
            found.degraded(&part, what, &format!("resume it with `App::resume(\"{}\")`", status.name));
        }
        _ => {}
    }
    if !status.built {
        let why = status.last_error.as_deref().map(|lost| format!(", because {lost}")).unwrap_or_default();
        let (at, of) = (status.progress().at, status.head());
        let what = format!("its view is not built yet: it is at position {at} of {of}{why}");
        found.degraded(&part, what, "wait; its queries fail until it is built");
    }
    if status.is_unattended {
        let what = format!(
            "no process runs it, and it has not processed {}: the process that ran it has ended",
            counted(usize::try_from(status.lag_events).unwrap_or(usize::MAX), "event", "events")
        );
        found.degraded(
            &part,
            what,
            "wait for a process that shares the read database to take it over; start one if there is none",
        );
        return;
    }
    if status.state == ProjectionState::Elsewhere && status.lag_seconds > STILL && status.lag_seconds <= BEHIND {
        let what = format!(
            "the process that holds its lease hangs or was killed: it is {:.0} seconds behind, with {} events of the log to process",
            status.lag_seconds, status.lag_events
        );
        found.degraded(
            &part,
            what,
            "wait until its lease expires and another process takes it over; if that does not happen, check the process that holds the lease",
        );
        return;
    }
    if status.lag_seconds > BEHIND {
        let (events, seconds) = (status.lag_events, status.lag_seconds);
        let elsewhere = status.state == ProjectionState::Elsewhere;
        let remedy = if elsewhere {
            "check the process that runs it"
        } else {
            "wait if it catches up; otherwise check what slows the read side down"
        };
        found.degraded(
            &part,
            format!("it is {seconds:.0} seconds behind, with {events} events of the log to process"),
            remedy,
        );
    }
}

fn projection(name: &str) -> String {
    format!("projection `{name}`")
}

fn policy(name: &str) -> String {
    format!("policy `{name}`")
}

fn first(parked: &[&Parked]) -> String {
    parked.iter().min_by_key(|parked| parked.position).map(|parked| place(parked)).unwrap_or_default()
}

fn place(parked: &Parked) -> String {
    format!("position {} ({}): {}", parked.position, parked.event, parked.error)
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn probed(views: Arc<dyn ViewStore>) -> Asked<()> {
    Asked::new(views.describe(), async move { views.probe().await })
}

/// A question to a store, asked in a separate task: the store may hang, and even block its thread.
struct Asked<T> {
    store: String,
    since: Instant,
    task: JoinHandle<Result<T, StoreError>>,
}

impl<T: Send + 'static> Asked<T> {
    fn new(store: String, question: impl Future<Output = Result<T, StoreError>> + Send + 'static) -> Self {
        Self { store, since: Instant::now(), task: tokio::spawn(question) }
    }

    /// The answer, if it comes in time.
    async fn answer(mut self, deadline: Instant) -> Result<T, StoreError> {
        let store = self.store.clone();
        match timeout_at(deadline, &mut self.task).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panic)) => Err(StoreError::Failed { store, reason: panic.to_string() }),
            Err(_) => {
                let reason = format!("no answer for {:.1} seconds", self.since.elapsed().as_secs_f64());
                Err(StoreError::Unavailable { store, reason })
            }
        }
    }
}

impl<T> Drop for Asked<T> {
    fn drop(&mut self) {
        // The answer is no longer needed.
        self.task.abort();
    }
}

/// The problems found so far.
struct Found {
    alive: bool,
    problems: Vec<Problem>,
}

impl Default for Found {
    fn default() -> Self {
        Self { alive: true, problems: Vec::new() }
    }
}

impl Found {
    fn unhealthy(&mut self, part: &str, what: String, remedy: &str) {
        self.add(HealthStatus::Unhealthy, part, what, remedy);
    }

    fn degraded(&mut self, part: &str, what: String, remedy: &str) {
        self.add(HealthStatus::Degraded, part, what, remedy);
    }

    fn add(&mut self, status: HealthStatus, part: &str, what: String, remedy: &str) {
        self.problems.push(Problem { status, part: part.to_owned(), what, remedy: remedy.to_owned() });
    }

    fn health(mut self) -> Health {
        self.problems.sort_by_key(|problem| std::cmp::Reverse(problem.status));
        let status = self.problems.first().map_or(HealthStatus::Healthy, |worst| worst.status);
        Health { status, alive: self.alive, problems: self.problems }
    }
}
