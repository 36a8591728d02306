//! With feature `metrics`: handles to the recorder that is installed when the app is built.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, Histogram, Unit, counter, gauge, histogram};

use crate::app::{App, Inner};
use crate::core::event::RecordedEvent;
use crate::core::log::StoreError;
use crate::core::position::Position;
use crate::projection::ProjectionStatus;
use crate::registry::ProjectionInfo;
use crate::telemetry::metrics::{self as names, Kind, Measure};

/// How often the databases are read for gauges.
const EVERY: Duration = Duration::from_secs(5);

/// How long reading the databases for gauges may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The metrics of one app.
#[derive(Clone, Default)]
pub(crate) struct Figures(Option<Arc<Handles>>);

struct Handles {
    commands: HashMap<&'static str, Arc<Message>>,
    queries: HashMap<&'static str, Arc<Message>>,
    queue_depth: Gauge,
    batch_commands: Histogram,
    append_duration: Histogram,
    events_appended: Counter,
    from_memory: Counter,
    from_snapshot: Counter,
    from_events: Counter,
    log_head: Gauge,
    /// Projections that are folded with each command (level 1).
    inline: Vec<(&'static [&'static str], ProjectionFigures)>,
}

/// The metrics of one command or query.
struct Message {
    counter: fn(&'static str, &'static str) -> Counter,
    name: &'static str,
    succeeded: Counter,
    duration: Histogram,
}

impl Message {
    fn command(name: &'static str) -> Self {
        let counter = |name, outcome| counter!(names::COMMANDS, "command" => name, "outcome" => outcome);
        let duration = histogram!(names::COMMAND_DURATION, "command" => name);
        Self { counter, name, succeeded: counter(name, names::OK), duration }
    }

    fn query(name: &'static str) -> Self {
        let counter = |name, outcome| counter!(names::QUERIES, "query" => name, "outcome" => outcome);
        let duration = histogram!(names::QUERY_DURATION, "query" => name);
        Self { counter, name, succeeded: counter(name, names::OK), duration }
    }
}

impl Figures {
    /// The metrics of these messages, and of projections that are folded with each command.
    pub(crate) fn new(
        commands: impl Iterator<Item = &'static str>,
        queries: impl Iterator<Item = &'static str>,
        inline: &[&'static ProjectionInfo],
    ) -> Self {
        describe();
        let loaded = |from: &'static str| counter!(names::AGGREGATES_LOADED, "from" => from);
        Self(Some(Arc::new(Handles {
            commands: commands.map(|name| (name, Arc::new(Message::command(name)))).collect(),
            queries: queries.map(|name| (name, Arc::new(Message::query(name)))).collect(),
            queue_depth: gauge!(names::QUEUE_DEPTH),
            batch_commands: histogram!(names::BATCH_COMMANDS),
            append_duration: histogram!(names::APPEND_DURATION),
            events_appended: counter!(names::EVENTS_APPENDED),
            from_memory: loaded("memory"),
            from_snapshot: loaded("snapshot"),
            from_events: loaded("events"),
            log_head: gauge!(names::LOG_HEAD),
            inline: inline.iter().map(|info| (info.events, ProjectionFigures::new(info.name))).collect(),
        })))
    }

    /// Starts timing a command.
    pub(crate) fn command(&self, name: &'static str) -> Watch {
        Watch::start(self.0.as_ref().and_then(|handles| handles.commands.get(name)))
    }

    /// Starts timing a query.
    pub(crate) fn query(&self, name: &'static str) -> Watch {
        Watch::start(self.0.as_ref().and_then(|handles| handles.queries.get(name)))
    }

    /// Records that the sequencer has taken a batch, and how many commands wait.
    pub(crate) fn batch(&self, commands: usize, waiting: usize) {
        let Some(handles) = &self.0 else { return };
        handles.batch_commands.record(number(commands as u64));
        handles.queue_depth.set(number(waiting as u64));
    }

    /// Starts timing an append.
    pub(crate) fn appending(&self) -> Appending {
        Appending { started: Instant::now(), figures: self.clone() }
    }

    /// Records that decisions found aggregates in memory.
    pub(crate) fn found_in_memory(&self, aggregates: usize) {
        let Some(handles) = &self.0 else { return };
        handles.from_memory.increment(aggregates as u64);
    }

    /// Records that aggregates were loaded, some of them from snapshots.
    pub(crate) fn loaded(&self, from_snapshots: usize, all: usize) {
        let Some(handles) = &self.0 else { return };
        handles.from_snapshot.increment(from_snapshots as u64);
        handles.from_events.increment((all - from_snapshots) as u64);
    }

    /// Records that these events were folded into level 1's views.
    pub(crate) fn folded(&self, events: &[RecordedEvent]) {
        let Some(handles) = &self.0 else { return };
        for (names, projection) in &handles.inline {
            let folded = events.iter().filter(|event| names.contains(&event.name())).count();
            projection.folded(folded as u64);
        }
    }

    /// Starts updating the gauges of an app. It ends with the app.
    pub(crate) fn keep(app: &Arc<Inner>) {
        let (gauges, every) = (Gauges::new(app), app.observed.metrics_interval.unwrap_or(EVERY));
        let app: Weak<Inner> = Arc::downgrade(app);
        tokio::spawn(async move {
            while let Some(inner) = app.upgrade() {
                let refreshed = tokio::time::timeout(PATIENCE, gauges.refresh(&App { inner })).await;
                if let Ok(Err(error)) = refreshed {
                    tracing::debug!(%error, "gauges not updated: database not readable");
                }
                tokio::time::sleep(every).await;
            }
        });
    }
}

/// Times a command or a query.
pub(crate) struct Watch(Option<(Instant, Arc<Message>)>);

impl Watch {
    fn start(message: Option<&Arc<Message>>) -> Self {
        Self(message.map(|message| (Instant::now(), Arc::clone(message))))
    }

    /// Records its answer.
    pub(crate) fn stop(self, outcome: Result<(), &'static str>) {
        let Some((started, message)) = self.0 else { return };
        message.duration.record(started.elapsed());
        match outcome {
            Ok(()) => message.succeeded.increment(1),
            Err(kind) => (message.counter)(message.name, kind).increment(1),
        }
    }
}

/// Times an append.
pub(crate) struct Appending {
    started: Instant,
    figures: Figures,
}

impl Appending {
    /// Records how many events were stored, and the last one's position.
    pub(crate) fn done(self, events: usize, position: Position) {
        let Some(handles) = &self.figures.0 else { return };
        handles.append_duration.record(self.started.elapsed());
        handles.events_appended.increment(events as u64);
        handles.log_head.set(number(position.get()));
    }
}

/// The counters of a projection.
#[derive(Clone, Debug)]
pub(crate) struct ProjectionFigures {
    events: Counter,
    failures: Counter,
}

impl ProjectionFigures {
    pub(crate) fn new(projection: &'static str) -> Self {
        Self {
            events: counter!(names::PROJECTION_EVENTS, "projection" => projection),
            failures: counter!(names::PROJECTION_FAILURES, "projection" => projection),
        }
    }

    pub(crate) fn folded(&self, events: u64) {
        self.events.increment(events);
    }

    pub(crate) fn failed(&self) {
        self.failures.increment(1);
    }
}

/// The counters of a policy.
pub(crate) struct PolicyFigures {
    events: Counter,
    retries: Counter,
}

impl PolicyFigures {
    pub(crate) fn new(policy: &'static str) -> Self {
        Self {
            events: counter!(names::POLICY_EVENTS, "policy" => policy),
            retries: counter!(names::POLICY_RETRIES, "policy" => policy),
        }
    }

    pub(crate) fn handled(&self) {
        self.events.increment(1);
    }

    pub(crate) fn tries_again(&self) {
        self.retries.increment(1);
    }
}

/// The metrics that are read at intervals.
struct Gauges {
    log_head: Gauge,
    queue_depth: Gauge,
    projections: HashMap<&'static str, ProjectionGauges>,
    /// Position, and number of parked entries.
    policies: HashMap<&'static str, (Gauge, Gauge)>,
}

struct ProjectionGauges {
    position: Gauge,
    lag_events: Gauge,
    lag: Gauge,
    parked: Gauge,
    rebuild: Gauge,
}

impl Gauges {
    fn new(app: &Inner) -> Self {
        let projection = |name: &'static str| {
            let gauges = ProjectionGauges {
                position: gauge!(names::PROJECTION_POSITION, "projection" => name),
                lag_events: gauge!(names::PROJECTION_LAG_EVENTS, "projection" => name),
                lag: gauge!(names::PROJECTION_LAG, "projection" => name),
                parked: gauge!(names::PROJECTION_PARKED, "projection" => name),
                rebuild: gauge!(names::PROJECTION_REBUILD_POSITION, "projection" => name),
            };
            (name, gauges)
        };
        let policy = |name: &'static str| {
            let position = gauge!(names::POLICY_POSITION, "policy" => name);
            (name, (position, gauge!(names::POLICY_PARKED, "policy" => name)))
        };
        Self {
            log_head: gauge!(names::LOG_HEAD),
            queue_depth: gauge!(names::QUEUE_DEPTH),
            projections: app.registry.projections().iter().map(|info| projection(info.name)).collect(),
            policies: app.registry.policies().iter().map(|info| policy(info.name)).collect(),
        }
    }

    async fn refresh(&self, app: &App) -> Result<(), StoreError> {
        self.queue_depth.set(number(app.inner.sequencer.waiting() as u64));
        for status in app.policies() {
            if let Some((position, _)) = self.policies.get(status.name) {
                position.set(number(status.position.get()));
            }
        }
        self.log_head.set(number(app.inner.log.head().await?.get()));
        for status in app.projections().await? {
            let ProjectionStatus { name, position, lag_events, lag_seconds, parked, beside, .. } = status;
            let Some(gauges) = self.projections.get(name) else { continue };
            gauges.position.set(number(position.get()));
            gauges.lag_events.set(number(lag_events));
            gauges.lag.set(lag_seconds);
            gauges.parked.set(number(parked as u64));
            gauges.rebuild.set(number(beside.unwrap_or_default().get()));
        }
        if !self.policies.is_empty() {
            let parked = app.parked().await?;
            for info in app.inner.registry.policies() {
                let unfinished = parked.iter().filter(|parked| parked.projection == info.owner).count();
                self.policies[info.name].1.set(number(unfinished as u64));
            }
        }
        Ok(())
    }
}

fn describe() {
    for figure in names::ALL {
        let (name, text) = (figure.name, figure.text);
        let unit = match figure.measure {
            Measure::Count => Unit::Count,
            Measure::Seconds => Unit::Seconds,
        };
        match figure.kind {
            Kind::Counter => metrics::describe_counter!(name, unit, text),
            Kind::Gauge => metrics::describe_gauge!(name, unit, text),
            Kind::Histogram => metrics::describe_histogram!(name, unit, text),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "recorders take floating numbers, exact up to 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}
