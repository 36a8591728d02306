//! Who asks, when, and because of what.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::observing::{TraceContext, lenient};
use crate::time::Timestamp;

/// The caller's own name for one command: one name, one content. It takes effect at most once: see [`Meta::command_id`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(Arc<str>);

impl CommandId {
    /// An id of the caller's choosing (an order number of a shop window, an `Idempotency-Key`). Any text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// A fresh id that no one else has.
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

/// What surrounds a command or a query: who, when, its id, what it belongs to. Stored with every event.
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
    /// The command's own id, if the caller gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_id: Option<CommandId>,
    /// What all that one request sets off has in common.
    pub correlation: Uuid,
    /// The event that this command answers, if it was a policy that sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<Uuid>,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// On whose behalf, where one system serves several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The trace that it belongs to, and the span of it: of a stored event, the one that stated it. What is stored and is no trace
    /// context is read as none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient")]
    pub trace: Option<TraceContext>,
    /// When the request was made. A decision that needs the time takes it from here.
    pub at: Timestamp,
    /// By when the command must have been started: see [`within`](Self::within). It goes no further than the command bus: a
    /// handler does not see it, and it is not stored.
    #[serde(skip)]
    pub deadline: Option<Instant>,
}

impl Meta {
    /// A request of now, with a correlation of its own.
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
        }
    }

    /// Gives the command an id: the log keeps it with the events, and the same command again returns the first receipt and
    /// runs nothing. The same id with another command, or with other content, is
    /// [`IdReused`](crate::CommandError::IdReused).
    ///
    /// Contents are compared by a hash of the command's JSON. The order of an object's fields does not count, nor does that of a
    /// set. A command of a type that has other fields by now (in a program of another version) counts as the same, since that
    /// program writes the same command in another way: a repetition across a deployment is answered. Of the commands of policies,
    /// whose ids are made of the event that they answer, the first one counts, also where a policy answers otherwise when it is asked once more.
    ///
    /// What is remembered of commands stays until it is [removed](crate::App::forget_commands).
    #[must_use]
    pub fn command_id(mut self, id: CommandId) -> Self {
        self.command_id = Some(id);
        self
    }

    /// Gives the command so much time, from now, until it must have been started. One that still waits then (for a place in the
    /// queue, for an aggregate to be loaded, for the log's lock) is dropped with [`CommandError::TimedOut`](crate::CommandError::TimedOut):
    /// nothing of it was done, and nothing will be. One that has been started is not interrupted: its caller gets its answer,
    /// which may come later. Default: no deadline.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.deadline = Instant::now().checked_add(time);
        self
    }

    /// Says who asks.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Says on whose behalf.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Continues a trace: of a request's `traceparent`, say. Where the app's spans are [tied](crate::AppBuilder::traces) to traces, it
    /// need not be told of the trace that the calling task is in.
    #[must_use]
    pub fn trace(mut self, context: TraceContext) -> Self {
        self.trace = Some(context);
        self
    }

    /// Joins a correlation that others started.
    #[must_use]
    pub fn correlation(mut self, correlation: Uuid) -> Self {
        self.correlation = correlation;
        self
    }

    /// Names the event that this answers.
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
