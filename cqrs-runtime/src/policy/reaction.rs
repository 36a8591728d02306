//! A policy, and its function for each event.

use std::time::Duration;

use super::error::ReactionError;
use super::returns::{Names, Sent};
use crate::bus::services::Services;
use crate::model::consistency::After;
use crate::model::error::QueryError;
use crate::model::parameter_info::ParameterInfo;
use crate::model::parameters::{Stale, State};
use crate::projection::views::Views;
use cqrs_core::debug::opaque_debug;
use cqrs_core::event::RecordedEvent;
use cqrs_core::position::Position;
use cqrs_core::store_error::{BoxFuture, StoreError};
use cqrs_core::view::View;

/// A registered policy.
#[derive(Debug)]
pub struct PolicyInfo {
    /// Its name: that of the function or type, or `name = ".."`.
    pub name: &'static str,
    /// The prefix of its checkpoint, its parked events and its commands' ids: `policy:` and its name.
    pub owner: &'static str,
    /// Whether it starts at the log's first event.
    pub from_start: bool,
    /// Its former name.
    pub was: Option<FormerName>,
    /// Its functions.
    pub reactions: &'static [Reaction],
}

/// A policy's former name.
#[derive(Clone, Copy, Debug)]
pub struct FormerName {
    /// The name.
    pub name: &'static str,
    /// `policy:` and the name.
    pub owner: &'static str,
}

/// Prefix of a policy's name where policies share a name space with projections.
const OWNER: &str = "policy:";

/// The name of a policy's checkpoint and parked events.
pub(crate) fn owner(name: &str) -> String {
    format!("{OWNER}{name}")
}

/// The policy's name, if the owner is a policy.
pub(crate) fn name_of(owner: &str) -> Option<&str> {
    owner.strip_prefix(OWNER)
}

impl PolicyInfo {
    /// The prefix of its commands' ids: its former name if it was renamed, so that the ids stay the same.
    pub(crate) fn id_owner(&self) -> &'static str {
        self.was.map_or(self.owner, |was| was.owner)
    }

    /// The names of the events that it listens to.
    pub(crate) fn events(&self) -> Vec<&'static str> {
        self.reactions.iter().map(|reaction| reaction.event).collect()
    }

    /// The names of the commands that it may send, once each.
    pub(crate) fn commands(&self) -> Vec<&'static str> {
        let mut commands = Vec::new();
        self.reactions.iter().for_each(|reaction| (reaction.commands)(&mut commands));
        commands.sort_unstable();
        commands.dedup();
        commands
    }

    /// The parameters of its functions, without their events.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &'static ParameterInfo> {
        self.reactions.iter().flat_map(|reaction| reaction.parameters)
    }
}

/// The function type that answers one event.
pub type React = for<'a> fn(&'a PolicyContext<'a>, &'a RecordedEvent) -> Reacting<'a>;

/// A running reaction.
pub type Reacting<'a> = BoxFuture<'a, Result<Sent, ReactionError>>;

/// The function of a policy that answers one event.
#[derive(Debug)]
pub struct Reaction {
    /// The event's name.
    pub event: &'static str,
    /// Whether the function is `async`: then it may act outside.
    pub effects: bool,
    /// Its parameters after the event.
    pub parameters: &'static [ParameterInfo],
    /// Adds the names of the commands that it may return.
    pub commands: Names,
    /// The function.
    pub react: React,
}

/// How long a policy waits for a view before it is retried.
const WAITED: Duration = Duration::from_secs(5);

/// The context of one call of a policy.
pub struct PolicyContext<'a> {
    pub(super) services: &'a Services,
    /// The position of its event.
    pub(super) position: Position,
}

opaque_debug!(PolicyContext<'_> { position });

impl PolicyContext<'_> {
    /// A service, or a stale read of the read side.
    ///
    /// # Errors
    /// The read side cannot be reached.
    pub fn service<P: PolicyParameter>(&self) -> Result<P, StoreError> {
        P::from_context(self)
    }

    /// The same, or a view that it waits for until the view has the policy's event.
    ///
    /// # Errors
    /// The read side cannot be reached, or is still behind: the policy is retried.
    #[must_use]
    pub fn get<P: AwaitedParameter>(&self) -> BoxFuture<'_, Result<P, StoreError>> {
        Box::pin(P::awaited(self))
    }
}

/// A parameter that a policy may take after its event.
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
        Ok(context.services.state())
    }
}

impl<V: View> PolicyParameter for Stale<Views<V>> {
    fn from_context(context: &PolicyContext<'_>) -> Result<Self, StoreError> {
        Ok(Self(context.services.view()?))
    }
}

/// A parameter that an `async fn` policy may take after its event.
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

/// Has processed the log at least up to the policy's event. At level 2 the policy waits for it.
impl<V: View> AwaitedParameter for Views<V> {
    async fn awaited(context: &PolicyContext<'_>) -> Result<Self, StoreError> {
        let (services, position) = (context.services, context.position);
        let after = After { position, within: WAITED, or_stale: false };
        match services.wait_for_view(Some(after), V::LAYOUT.name).await {
            Ok(()) => services.view(),
            Err(QueryError::Unavailable(error)) => Err(error),
            Err(behind) => {
                Err(StoreError::Unavailable { store: "the policy's view".into(), reason: behind.to_string() })
            }
        }
    }
}
