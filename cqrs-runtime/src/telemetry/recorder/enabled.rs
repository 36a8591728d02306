//! With feature `metrics`: handles to the recorder that is installed when the app is built.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use metrics::{Counter, Gauge, Histogram, Unit, counter, gauge, histogram};

use crate::telemetry::metrics::{self as names, Kind, Measure};
use cqrs_core::event::RecordedEvent;
use cqrs_core::position::Position;

use super::Inlined;

/// The metrics of one app.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Option<Arc<Handles>>);

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
    inline: Vec<(&'static [&'static str], ProjectionRecorder)>,
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

impl Recorder {
    /// The metrics of these messages, and of projections that are folded with each command.
    pub(crate) fn new(
        commands: impl Iterator<Item = &'static str>,
        queries: impl Iterator<Item = &'static str>,
        inline: impl Iterator<Item = Inlined>,
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
            inline: inline.map(|(name, events)| (events, ProjectionRecorder::new(name))).collect(),
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
        Appending { started: Instant::now(), recorder: self.clone() }
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
    recorder: Recorder,
}

impl Appending {
    /// Records how many events were stored, and the last one's position.
    pub(crate) fn done(self, events: usize, position: Position) {
        let Some(handles) = &self.recorder.0 else { return };
        handles.append_duration.record(self.started.elapsed());
        handles.events_appended.increment(events as u64);
        handles.log_head.set(number(position.get()));
    }
}

/// The counters of a projection.
#[derive(Clone, Debug)]
pub(crate) struct ProjectionRecorder {
    events: Counter,
    failures: Counter,
}

impl ProjectionRecorder {
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
pub(crate) struct PolicyRecorder {
    events: Counter,
    retries: Counter,
}

impl PolicyRecorder {
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
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}
