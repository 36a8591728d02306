//! Who asks, when, and because of what.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

/// The caller's own name for one command. The same id takes effect at most once: see [`Meta::command_id`].
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
    /// When the request was made. A decision that needs the time takes it from here.
    pub at: Timestamp,
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
            at: Timestamp::now(),
        }
    }

    /// Gives the command an id: the log keeps it with the events, and the same id again returns the first receipt and
    /// runs nothing.
    #[must_use]
    pub fn command_id(mut self, id: CommandId) -> Self {
        self.command_id = Some(id);
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
