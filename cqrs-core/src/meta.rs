//! Metadata of requests: who sent them, when, and why.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::position::Position;
use crate::time::Timestamp;
use crate::trace_context::{TraceContext, lenient};

/// The caller's id of one command with one content. The command takes effect once: see [`Meta::command_id`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(Arc<str>);

impl CommandId {
    /// An id that the caller chooses, for example an order number or an `Idempotency-Key`. Any text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// A new unique id.
    #[must_use]
    pub fn random() -> Self {
        Self::new(&Uuid::now_v7().to_string())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The metadata of a command or query: who sent it, when, its id, and what it belongs to. Stored with every
/// event.
///
/// A handler takes it as `&Meta`.
///
/// ```
/// use cqrs_runtime::{CommandId, Meta};
///
/// let meta = Meta::new().actor("ann@example.org").command_id(CommandId::new("checkout-4711"));
/// assert_eq!(meta.actor.as_deref(), Some("ann@example.org"));
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Meta {
    /// The command's id, if the caller set one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_id: Option<CommandId>,
    /// An id that everything caused by the same request has in common.
    pub correlation: Uuid,
    /// The event that caused this command, if a policy sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<Uuid>,
    /// Who sent the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// On whose behalf, in a system with several tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The trace and span of the request. In a stored event, those of the command that emitted it. An invalid stored trace is read
    /// as `None`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient")]
    pub trace: Option<TraceContext>,
    /// When the request was made. A decision takes the time from here.
    pub at: Timestamp,
    /// The latest time at which the command may be started: see [`within`](Self::within). Only the command bus sees it: it
    /// is not passed to handlers, and not stored.
    #[serde(skip)]
    pub deadline: Option<Instant>,
    /// The position that the caller has seen the command's aggregates at: see [`expected`](Self::expected). Not stored.
    #[serde(skip)]
    pub expected: Option<Position>,
}

impl Meta {
    /// The metadata of a new request: the current time and a new correlation.
    #[must_use]
    pub fn new() -> Self {
        Self {
            command_id: None,
            correlation: Uuid::now_v7(),
            causation: None,
            actor: None,
            tenant: None,
            trace: None,
            at: Timestamp::now(),
            deadline: None,
            expected: None,
        }
    }

    /// Sets the command's id, which the log stores with the events. The same command with the same id returns the first receipt, and does
    /// not run again. The same id with another command, or with other content, fails with `CommandError::IdReused`.
    ///
    /// Contents are compared by a hash of the command's JSON, where the order of the fields of an object and of the elements of a set does
    /// not count. A command whose type has other fields by now (in a program of another version) counts as the same, since that program
    /// writes the same command differently: so a retry across a deployment is answered. A command of a policy has an id that is derived
    /// from its event. Its first content counts, even if the policy answers differently when it handles the event again.
    ///
    /// The log's record of a command stays until it is removed by `App::forget_commands`.
    #[must_use]
    pub fn command_id(mut self, id: CommandId) -> Self {
        self.command_id = Some(id);
        self
    }

    /// Sets a deadline, as a time from now, by which the command must have been started. A command that still waits then (for a place in
    /// the queue, for an aggregate to be loaded, for the log's lock) is dropped with
    /// `CommandError::TimedOut`, and has no effect. A started command is not interrupted: its caller gets
    /// the answer, even after the deadline. Default: no deadline.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.deadline = Instant::now().checked_add(time);
        self
    }

    /// Executes the command only if its aggregates are as the caller has seen them at this position: none of those that its handler
    /// loads has a later event. Otherwise it fails with `CommandError::Conflict`. It does too if the log does not reach that
    /// position, as after a restored backup. Default: no such condition.
    ///
    /// A receipt's position is one at which the caller knows its aggregates, and so is that of an answer that it asked `after`. A
    /// command whose handler loads no aggregate has nothing to compare, and is executed. A repeated command id is answered with the
    /// first receipt, even if its aggregates have changed since.
    #[must_use]
    pub fn expected(mut self, position: Position) -> Self {
        self.expected = Some(position);
        self
    }

    /// Sets who sends the request.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Sets on whose behalf the request is sent.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Continues a trace, for example that of a request's `traceparent`. Not needed for the calling task's own trace if the app's
    /// spans are linked to traces (`AppBuilder::traces`).
    #[must_use]
    pub fn trace(mut self, context: TraceContext) -> Self {
        self.trace = Some(context);
        self
    }

    /// Joins an existing correlation.
    #[must_use]
    pub fn correlation(mut self, correlation: Uuid) -> Self {
        self.correlation = correlation;
        self
    }

    /// Sets the event that caused this request.
    #[must_use]
    pub fn causation(mut self, event: Uuid) -> Self {
        self.causation = Some(event);
        self
    }
}

impl Default for Meta {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str =
        r#"{"correlation":"01890000-0000-7000-8000-000000000001","actor":"ann","at":"2026-01-31T12:00:00Z"}"#;

    #[test]
    fn what_was_stored_before_there_were_traces_is_read_and_written_alike() {
        let meta: Meta = serde_json::from_str(OLD).unwrap();
        assert_eq!(meta.trace, None);
        assert_eq!(serde_json::to_string(&meta).unwrap(), OLD);
    }

    #[test]
    fn a_trace_is_stored_and_read() {
        let context: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        let meta = Meta::new().trace(context.with_state("a=1"));
        let stored = serde_json::to_string(&meta).unwrap();
        assert!(stored.contains(r#""trace":{"traceparent":"00-4bf92"#), "{stored}");
        assert_eq!(serde_json::from_str::<Meta>(&stored).unwrap(), meta);
    }

    #[test]
    fn a_trace_that_is_none_makes_no_event_unreadable() {
        for strange in ["null", "7", r#""00-4bf9""#, r#"{"traceparent":"00"}"#, "{}", "[[]]"] {
            let stored = OLD.replacen('{', &format!(r#"{{"trace":{strange},"#), 1);
            assert_eq!(serde_json::from_str::<Meta>(&stored).expect(strange).trace, None, "{strange}");
        }
    }
}
