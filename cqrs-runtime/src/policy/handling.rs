//! Handles one event: calls the policy, and executes its commands.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::error::ReactionError;
use super::reaction::{PolicyContext, PolicyInfo, Reaction};
use super::returns::{Failure, Sent, SentCommand};
use crate::bus::command::CommandBus;
use crate::bus::services::Services;
use cqrs_core::event::RecordedEvent;
use cqrs_core::meta::{CommandId, Meta};
use cqrs_core::panics::{panic_message, unpanicked};
use cqrs_core::view::Parked;

/// A command with its id.
pub(super) struct Ready {
    id: CommandId,
    /// The key that it is parked under.
    pub(super) key: String,
    command: Box<dyn SentCommand>,
}

/// Gives commands their ids: from their name and their index among those of that name. So if the policy answers the same
/// event differently the next time, no id means another command.
pub(super) fn ready(info: &PolicyInfo, event: &RecordedEvent, sent: Sent) -> VecDeque<Ready> {
    let mut places: HashMap<&'static str, u32> = HashMap::new();
    let ready = |command: Box<dyn SentCommand>| {
        let place = places.entry(command.name()).or_default();
        let part = format!("{}:{place}", command.name());
        *place += 1;
        let id = CommandId::new(&format!("{}:{}:{part}", info.id_owner(), event.header().id));
        Ready { id, key: format!("{}:{part}", event_key(event)), command }
    };
    sent.commands.into_iter().map(ready).collect()
}

impl Ready {
    /// Executes the command. It can be called again.
    pub(super) async fn execute(
        &mut self,
        services: &Arc<Services>,
        info: &PolicyInfo,
        event: &RecordedEvent,
    ) -> Result<(), Failure> {
        let (header, cause) = (event.header(), &event.header().meta);
        let meta = Meta { tenant: cause.tenant.clone(), ..Meta::new() };
        let mut meta = meta.correlation(cause.correlation).causation(header.id).actor(info.owner);
        services.trace_link.pass_on(cause, &mut meta);
        let bus = CommandBus::of_an_event(Arc::clone(services)).with_meta(meta.command_id(self.id.clone()));
        let command = &mut self.command;
        let executing = catch_unwind(AssertUnwindSafe(|| command.execute(&bus)));
        let executed = match executing {
            Ok(executing) => unpanicked(executing).await,
            Err(panic) => Err(panic_message(&*panic)),
        };
        executed.unwrap_or_else(|panic| Err(Failure::Final(format!("the command panicked: {panic}"))))
    }

    /// The text of its refusal in a parked entry.
    pub(super) fn refused(&self, error: &str) -> String {
        format!("command `{}`: {error}", self.command.name())
    }
}

/// The key that an event is parked under.
pub(super) fn event_key(event: &RecordedEvent) -> String {
    format!("@{}", event.position())
}

/// The parked entry of an event or command.
pub(super) fn parked(info: &PolicyInfo, event: &RecordedEvent, key: String, error: String) -> Parked {
    let (projection, event_name) = (info.owner.to_owned(), event.name().to_owned());
    Parked { projection, key, position: event.position(), event: event_name, error, attempts: 1 }
}

/// Calls the policy.
pub(super) async fn react(
    services: &Services,
    reaction: &Reaction,
    event: &RecordedEvent,
) -> Result<Sent, ReactionError> {
    let context = PolicyContext { services, position: event.position() };
    let reacting = catch_unwind(AssertUnwindSafe(|| (reaction.react)(&context, event)));
    let reacted = match reacting {
        Ok(reacting) => unpanicked(reacting).await,
        Err(panic) => Err(panic_message(&*panic)),
    };
    reacted.unwrap_or_else(|panic| Err(ReactionError::Panicked(panic)))
}
