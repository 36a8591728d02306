//! The names of all metrics.
//!
//! They are reported through the [`metrics`](https://docs.rs/metrics) crate, to the recorder that is installed when the app is
//! built. This needs feature `metrics`. Labels are names from the program (commands, projections, ..), never ids.

/// The outcome of a success. Other outcomes are [`CommandError::kind`](crate::CommandError::kind) and
/// [`QueryError::kind`](crate::QueryError::kind).
pub const OK: &str = "Ok";

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// A distribution of values.
    Histogram,
}

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A number of things.
    Count,
    /// Seconds.
    Seconds,
}

/// The description of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its unit.
    pub measure: Measure,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it measures.
    pub text: &'static str,
}

macro_rules! recorder {
    ($($name:ident = $text:literal: $kind:ident of $measure:ident by [$($label:literal),*], $says:literal;)+) => {
        $(#[doc = concat!("`", $text, "`: ", $says, ".")] pub const $name: &str = $text;)+

        /// Every metric, in the order of the page.
        pub const ALL: &[Description] = &[$(Description {
            name: $name,
            kind: Kind::$kind,
            measure: Measure::$measure,
            labels: &[$($label),*],
            text: $says,
        }),+];
    };
}

recorder! {
    COMMANDS = "cqrs_commands_total": Counter of Count by ["command", "outcome"],
        "commands that were answered, by outcome";
    COMMAND_DURATION = "cqrs_command_duration_seconds": Histogram of Seconds by ["command"],
        "from a command's entry to its answer, including middleware and waiting";
    QUERIES = "cqrs_queries_total": Counter of Count by ["query", "outcome"],
        "queries that were answered, by outcome";
    QUERY_DURATION = "cqrs_query_duration_seconds": Histogram of Seconds by ["query"],
        "from a query's entry to its answer, including the wait for a position";
    QUEUE_DEPTH = "cqrs_sequencer_queue_depth": Gauge of Count by [],
        "commands that wait for the sequencer";
    BATCH_COMMANDS = "cqrs_sequencer_batch_commands": Histogram of Count by [],
        "commands that the sequencer took into one transaction";
    APPEND_DURATION = "cqrs_append_duration_seconds": Histogram of Seconds by [],
        "storing the events of a batch or a workflow, including level 1's views and the commit";
    EVENTS_APPENDED = "cqrs_events_appended_total": Counter of Count by [],
        "events stored by this process";
    AGGREGATES_LOADED = "cqrs_aggregates_loaded_total": Counter of Count by ["from"],
        "aggregates used by decisions: from `memory`, from a `snapshot` and later events, or from all their `events`";
    LOG_HEAD = "cqrs_log_head_position": Gauge of Count by [],
        "the position of the log's last event";
    PROJECTION_POSITION = "cqrs_projection_position": Gauge of Count by ["projection"],
        "the position up to which queries read every event";
    PROJECTION_LAG_EVENTS = "cqrs_projection_lag_events": Gauge of Count by ["projection"],
        "events not yet processed by the projection (lag)";
    PROJECTION_LAG = "cqrs_projection_lag_seconds": Gauge of Seconds by ["projection"],
        "age of the oldest event that the projection listens to and has not processed";
    PROJECTION_EVENTS = "cqrs_projection_events_total": Counter of Count by ["projection"],
        "events that this process has folded into a projection, including rebuilds";
    PROJECTION_FAILURES = "cqrs_projection_failures_total": Counter of Count by ["projection"],
        "failures of a whole projection, each followed by a retry (level 2)";
    PROJECTION_PARKED = "cqrs_projection_parked_keys": Gauge of Count by ["projection"],
        "keys whose events could not be folded";
    PROJECTION_REBUILD_POSITION = "cqrs_projection_rebuild_position": Gauge of Count by ["projection"],
        "position of a running rebuild; 0 without one";
    POLICY_POSITION = "cqrs_policy_position": Gauge of Count by ["policy"],
        "position up to which a policy has handled every event, in the process that runs it";
    POLICY_EVENTS = "cqrs_policy_events_total": Counter of Count by ["policy"],
        "events that a policy of this process has handled, including parked ones";
    POLICY_RETRIES = "cqrs_policy_retries_total": Counter of Count by ["policy"],
        "failures of a policy, each followed by a retry";
    POLICY_PARKED = "cqrs_policy_parked": Gauge of Count by ["policy"],
        "events and commands parked by a policy";
}
