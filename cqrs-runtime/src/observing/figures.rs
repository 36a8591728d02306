//! The names of all figures.
//!
//! They are told to the recorder of the [`metrics`](https://docs.rs/metrics) facade that is installed when the app is built; with
//! feature `metrics` alone. Their labels are names of the program's own (commands, projections, ..), never ids.

/// The outcome of what succeeded. Others are [`CommandError::kind`](crate::CommandError::kind) and
/// [`QueryError::kind`](crate::QueryError::kind).
pub const OK: &str = "Ok";

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often it had which size.
    Histogram,
}

/// What a figure is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Things, whose number it is.
    Count,
    /// Seconds.
    Seconds,
}

/// What there is to know of a figure.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it is measured in.
    pub measure: Measure,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub text: &'static str,
}

macro_rules! figures {
    ($($name:ident = $text:literal: $kind:ident of $measure:ident by [$($label:literal),*], $says:literal;)+) => {
        $(#[doc = concat!("`", $text, "`: ", $says, ".")] pub const $name: &str = $text;)+

        /// Every figure, in the order of the page.
        pub const ALL: &[Description] = &[$(Description {
            name: $name,
            kind: Kind::$kind,
            measure: Measure::$measure,
            labels: &[$($label),*],
            text: $says,
        }),+];
    };
}

figures! {
    COMMANDS = "cqrs_commands_total": Counter of Count by ["command", "outcome"],
        "commands that were answered, by what they came to";
    COMMAND_DURATION = "cqrs_command_duration_seconds": Histogram of Seconds by ["command"],
        "from a command's entry to its answer, middleware and waiting included";
    QUERIES = "cqrs_queries_total": Counter of Count by ["query", "outcome"],
        "queries that were answered, by what they came to";
    QUERY_DURATION = "cqrs_query_duration_seconds": Histogram of Seconds by ["query"],
        "from a query's entry to its answer, waiting for a position included";
    QUEUE_DEPTH = "cqrs_sequencer_queue_depth": Gauge of Count by [],
        "commands that wait for the sequencer";
    BATCH_COMMANDS = "cqrs_sequencer_batch_commands": Histogram of Count by [],
        "commands that the sequencer took into one transaction";
    APPEND_DURATION = "cqrs_append_duration_seconds": Histogram of Seconds by [],
        "storing the events of a batch or a workflow, level 1's views and the commit included";
    EVENTS_APPENDED = "cqrs_events_appended_total": Counter of Count by [],
        "events that this process has stored";
    AGGREGATES_LOADED = "cqrs_aggregates_loaded_total": Counter of Count by ["from"],
        "aggregates that decisions took: from `memory`, from a `snapshot` and what followed it, or from their first `events` on";
    LOG_HEAD = "cqrs_log_head_position": Gauge of Count by [],
        "the position of the log's last event";
    PROJECTION_POSITION = "cqrs_projection_position": Gauge of Count by ["projection"],
        "the position up to which queries read every event";
    PROJECTION_LAG_EVENTS = "cqrs_projection_lag_events": Gauge of Count by ["projection"],
        "events of the log, of any name, that a projection has not been through";
    PROJECTION_LAG = "cqrs_projection_lag_seconds": Gauge of Seconds by ["projection"],
        "the age of the oldest event that a projection listens to and lacks";
    PROJECTION_EVENTS = "cqrs_projection_events_total": Counter of Count by ["projection"],
        "events that this process has folded into a projection, rebuilds included";
    PROJECTION_FAILURES = "cqrs_projection_failures_total": Counter of Count by ["projection"],
        "failures of a projection as a whole, after which it is tried again (level 2)";
    PROJECTION_PARKED = "cqrs_projection_parked_keys": Gauge of Count by ["projection"],
        "keys whose events could not be folded";
    PROJECTION_REBUILD_POSITION = "cqrs_projection_rebuild_position": Gauge of Count by ["projection"],
        "how far a view has come that is built anew; 0 while none is";
    POLICY_POSITION = "cqrs_policy_position": Gauge of Count by ["policy"],
        "the position up to which a policy has handled every event, in the process that runs it";
    POLICY_EVENTS = "cqrs_policy_events_total": Counter of Count by ["policy"],
        "events that a policy of this process has handled, what it parked included";
    POLICY_RETRIES = "cqrs_policy_retries_total": Counter of Count by ["policy"],
        "failures of a policy after which it tries again";
    POLICY_PARKED = "cqrs_policy_parked": Gauge of Count by ["policy"],
        "events, and commands for them, that a policy could not finish";
}
