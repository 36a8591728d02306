//! One event, and the function that a policy answers it with.

use std::time::Duration;

use super::returns::{Names, Sent};
use crate::aggregate::FoldError;
use crate::app::Inner;
use crate::capability::{Stale, State};
use crate::error::QueryError;
use crate::event::RecordedEvent;
use crate::log::{BoxFuture, Position, StoreError};
use crate::query::After;
use crate::registry::{Item, ParameterInfo, Registration};
use crate::view::{View, Views};

/// A policy.
pub struct PolicyInfo {
    /// Its name: the function's or the type's own, or `name = ".."`.
    pub name: &'static str,
    /// What its checkpoint, its parked events and its commands' ids go by: `policy:` and its name.
    pub owner: &'static str,
    /// Whether it starts at the log's first event.
    pub from_start: bool,
    /// The name that it had before.
    pub was: Option<FormerName>,
    /// Its functions.
    pub reactions: &'static [Reaction],
}

/// The name that a policy had before.
#[derive(Clone, Copy, Debug)]
pub struct FormerName {
    /// The name.
    pub name: &'static str,
    /// `policy:` and the name.
    pub owner: &'static str,
}

/// What stands before a policy's name where it shares a name space with projections.
const OWNER: &str = "policy:";

/// What a policy's checkpoint and what it could not finish go by.
pub(crate) fn owner(name: &str) -> String {
    format!("{OWNER}{name}")
}

/// The name of the policy whose this is, if it is one's.
pub(crate) fn name_of(owner: &str) -> Option<&str> {
    owner.strip_prefix(OWNER)
}

impl PolicyInfo {
    /// What its commands' ids go by: what the same commands went by before it was renamed.
    pub(crate) fn id_owner(&self) -> &'static str {
        self.was.map_or(self.owner, |was| was.owner)
    }

    /// The names of the events that it listens to.
    pub(crate) fn events(&self) -> Vec<&'static str> {
        self.reactions.iter().map(|reaction| reaction.event).collect()
    }

    /// The names of the commands that it may send, each once.
    pub(crate) fn commands(&self) -> Vec<&'static str> {
        let mut commands = Vec::new();
        self.reactions.iter().for_each(|reaction| (reaction.commands)(&mut commands));
        commands.sort_unstable();
        commands.dedup();
        commands
    }

    /// What its functions take beside their events.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &'static ParameterInfo> {
        self.reactions.iter().flat_map(|reaction| reaction.parameters)
    }
}

/// What a policy does about one event.
pub type React = for<'a> fn(&'a PolicyContext<'a>, &'a RecordedEvent) -> Reacting<'a>;

/// A policy at work.
pub type Reacting<'a> = BoxFuture<'a, Result<Sent, ReactionError>>;

/// One event, and the function that a policy answers it with.
pub struct Reaction {
    /// The event's name.
    pub event: &'static str,
    /// Whether the function is `async`, so that it may act outside.
    pub effects: bool,
    /// What it takes beside its event.
    pub parameters: &'static [ParameterInfo],
    /// Adds the names of the commands that it may return.
    pub commands: Names,
    /// The function.
    pub react: React,
}

impl Registration {
    /// Registers a policy.
    #[must_use]
    #[track_caller]
    pub const fn policy(
        module: &'static str,
        name: &'static str,
        owner: &'static str,
        from_start: bool,
        was: Option<FormerName>,
        reactions: &'static [Reaction],
    ) -> Self {
        let item = Item::Policy(PolicyInfo { name, owner, from_start, was, reactions });
        Self { module, location: std::panic::Location::caller(), item }
    }
}

/// Why a policy has no answer to an event.
#[derive(Debug, thiserror::Error)]
pub enum ReactionError {
    /// The event cannot be read.
    #[error(transparent)]
    Unreadable(#[from] FoldError),
    /// What it takes cannot be had.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
    /// It returned this error.
    #[error("it failed: {0}")]
    Failed(String),
    /// It panicked.
    #[error("it panicked: {0}")]
    Panicked(String),
}

/// How long a policy waits for a view before it is tried again.
const WAITED: Duration = Duration::from_secs(5);

/// What surrounds a policy.
pub struct PolicyContext<'a> {
    pub(super) inner: &'a Inner,
    /// Where its event is.
    pub(super) position: Position,
}

impl PolicyContext<'_> {
    /// A service or a stale reading of the read side.
    ///
    /// # Errors
    /// The read side cannot be reached.
    pub fn service<P: PolicyParameter>(&self) -> Result<P, StoreError> {
        P::from_context(self)
    }

    /// The same, or a view that has the policy's event: it is waited for.
    ///
    /// # Errors
    /// The read side cannot be reached, or is still behind: the policy is tried again.
    // Boxed, so that a parameter that is refused is refused once: the future's type does not repeat the bound.
    #[must_use]
    pub fn get<P: AwaitedParameter>(&self) -> BoxFuture<'_, Result<P, StoreError>> {
        Box::pin(P::awaited(self))
    }
}

/// What a policy may take after its event.
#[diagnostic::on_unimplemented(
    message = "[CQRS602] a policy that is not `async` cannot take `{Self}`",
    label = "not `State<T>` or `Stale<Views<V>>`",
    note = "a policy returns its commands, so that they get ids and each takes effect once; what it decides on is the handler's to load",
    note = "a service is `State<T>`, a stale reading `Stale<Views<V>>`, and a view that has the event `Views<V>`, in an `async fn`; who and when \
            are in the event, taken as `&Recorded<E>`",
    note = "see: cqrs_runtime::rules#cqrs602"
)]
pub trait PolicyParameter: Sized + Send {
    /// Takes it from the app.
    #[doc(hidden)]
    fn from_context(context: &PolicyContext<'_>) -> Result<Self, StoreError>;
}

impl<T: ?Sized + Send + Sync + 'static> PolicyParameter for State<T> {
    fn from_context(context: &PolicyContext<'_>) -> Result<Self, StoreError> {
        Ok(context.inner.state())
    }
}

impl<V: View> PolicyParameter for Stale<Views<V>> {
    fn from_context(context: &PolicyContext<'_>) -> Result<Self, StoreError> {
        Ok(Self(context.inner.view()?))
    }
}

/// What a policy `async fn` may take after its event.
#[diagnostic::on_unimplemented(
    message = "[CQRS602] a policy cannot take `{Self}`",
    label = "not `State<T>`, `Views<V>` or `Stale<Views<V>>`",
    note = "a policy returns its commands, so that they get ids and each takes effect once; what it decides on is the handler's to load",
    note = "a service is `State<T>`, a view that has the event `Views<V>`, a stale reading `Stale<Views<V>>`; who and when are in the \
            event, taken as `&Recorded<E>`",
    note = "see: cqrs_runtime::rules#cqrs602"
)]
pub trait AwaitedParameter: Sized + Send + 'static {
    /// Takes it from the app.
    #[doc(hidden)]
    fn awaited(context: &PolicyContext<'_>) -> impl Future<Output = Result<Self, StoreError>> + Send;
}

#[diagnostic::do_not_recommend]
impl<P: PolicyParameter + 'static> AwaitedParameter for P {
    async fn awaited(context: &PolicyContext<'_>) -> Result<Self, StoreError> {
        P::from_context(context)
    }
}

/// It has everything up to the policy's event, and perhaps more. At level 2 it is waited for.
impl<V: View> AwaitedParameter for Views<V> {
    async fn awaited(context: &PolicyContext<'_>) -> Result<Self, StoreError> {
        let (inner, position) = (context.inner, context.position);
        let after = After { position, within: WAITED, or_stale: false };
        match inner.wait_for_view(Some(after), V::LAYOUT.name).await {
            Ok(()) => inner.view(),
            Err(QueryError::Unavailable(error)) => Err(error),
            Err(behind) => {
                Err(StoreError::Unavailable { store: "the policy's view".into(), reason: behind.to_string() })
            }
        }
    }
}
