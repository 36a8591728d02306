//! The command bus: the only way to change state.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::Instrument;

use crate::bus::command_context::{CommandContext, Ids};
use crate::bus::handler::Handled;
use crate::bus::middleware::{CommandRequest, CommandResponse};
use crate::bus::services::Services;
use crate::bus::wire_error::WireError;
use crate::model::error::CommandError;
use crate::model::message::Handling;
use crate::model::receipt::Receipt;
use crate::telemetry::spans;
use cqrs_core::debug::opaque_debug;
use cqrs_core::meta::Meta;
use cqrs_core::store_error::BoxFuture;

/// A command that can be executed, with all that can come of it, `R`: each that has a handler.
///
/// One trait of both, so that what is no command is one error.
#[diagnostic::on_unimplemented(
    message = "[CQRS207] no `#[command]` handler for `{Self}`",
    label = "nothing handles this",
    note = "a command that nothing handles could only fail in production",
    note = "write `#[command] fn ..(cmd: {Self}, ..)`, or link the crate that has it; what is no command yet needs `#[derive(Command)]`",
    note = "[CQRS307] a query goes to the query bus: `app.queries().ask(..)`; an event is not sent: send the command whose handler emits it",
    note = "see: cqrs_runtime::rules#cqrs207"
)]
pub trait Executed<H, R> {
    #[doc(hidden)]
    fn executed(self, bus: &CommandBus) -> BoxFuture<'static, R>;
}

#[diagnostic::do_not_recommend]
impl<C: Handled<H>, H: 'static> Executed<H, Handling<C>> for C {
    fn executed(self, bus: &CommandBus) -> BoxFuture<'static, Handling<C>> {
        bus.execute_handled(self)
    }
}

/// Executes commands. Cheap to clone; [`App::commands`](crate::App::commands) returns one.
#[derive(Clone)]
pub struct CommandBus {
    pub(crate) services: Arc<Services>,
    meta: Option<Meta>,
    ids: Ids,
    within: Option<Duration>,
}

opaque_debug!(CommandBus { meta, within });

impl CommandBus {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self { services, meta: None, ids: Ids::OfTheCaller, within: None }
    }

    /// A bus whose commands carry this [`Meta`]: an actor, a command id, a correlation.
    #[must_use]
    pub fn with_meta(&self, meta: Meta) -> Self {
        Self { meta: Some(meta), ..self.clone() }
    }

    #[doc(hidden)]
    #[must_use]
    #[deprecated(note = "renamed to `with_meta`")]
    pub fn with(&self, meta: Meta) -> Self {
        self.with_meta(meta)
    }

    /// A bus for a policy, whose commands' ids are derived from its event.
    pub(crate) fn of_an_event(services: Arc<Services>) -> Self {
        Self { services, meta: None, ids: Ids::OfAnEvent, within: None }
    }

    /// A bus whose commands must be started within this time after they were sent. A command that still waits then is
    /// dropped with [`CommandError::TimedOut`], and has no effect. Default: no deadline.
    ///
    /// A started command is not interrupted: its caller gets the answer, even after the deadline. [`Meta::within`] sets a
    /// deadline for one command, and takes precedence.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use cqrs_runtime::prelude::*;
    /// # #[derive(Id)] pub struct DoorId(Uuid);
    /// # #[derive(Event, Serialize, Deserialize)] pub struct DoorOpened { #[tag] door: DoorId }
    /// # #[derive(Command, Serialize, Deserialize)] pub struct OpenDoor { door: DoorId }
    /// # #[command]
    /// # fn open(cmd: OpenDoor) -> Result<DoorOpened, std::convert::Infallible> { Ok(DoorOpened { door: cmd.door }) }
    /// # async fn example(app: App, door: DoorId) {
    /// let bus = app.commands().within(Duration::from_secs(2));
    /// match bus.execute(OpenDoor { door }).await {
    ///     Err(CommandError::TimedOut) => println!("the door is as it was"),
    ///     other => println!("{other:?}"),
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        Self { within: Some(time), ..self.clone() }
    }

    /// Executes a command by its handler, which the compiler has found, and returns when its events are stored.
    ///
    /// Dropping the future drops a command that still waits for its turn. It does not undo a command that was started, and does
    /// not say which of the two happened. For that, use a deadline: [`within`](Self::within).
    ///
    /// # Errors
    /// See [`CommandError`]: the domain's refusal is [`CommandError::Rejected`].
    // A boxed future whose type names only the answer. One that captured the bound would repeat the error of a missing handler
    // at the call and at the `.await`, and one of `C::Reply` would repeat that of a type that is no command.
    pub fn execute<C: Executed<H, R>, H: 'static, R: 'static>(&self, command: C) -> BoxFuture<'static, R> {
        command.executed(self)
    }

    /// The same for a caller that knows of the handler.
    pub(crate) fn execute_handled<C: Handled<H>, H: 'static>(&self, command: C) -> BoxFuture<'static, Handling<C>> {
        let (services, ids, within) = (Arc::clone(&self.services), self.ids, self.within);
        let mut meta = self.meta.clone().unwrap_or_default();
        Box::pin(async move {
            meta.deadline = meta.deadline.or_else(|| Instant::now().checked_add(within?));
            let span = spans::command(C::NAME, &meta);
            services.trace_link.enter(&span, &mut meta);
            let watch = services.recorder.command(C::NAME);
            let answer = match &services.command_layers {
                None => {
                    let context = CommandContext::new(services, meta, ids, &command);
                    command.handle(context).instrument(span.clone()).await
                }
                Some(service) => {
                    let service = service.clone();
                    let request = request::<C, H>(command, services, meta, ids);
                    match service.run(request).instrument(span.clone()).await {
                        Ok(response) => response.into_typed::<Handling<C>>(),
                        Err(error) => Err(CommandError::Middleware(error)),
                    }
                }
            };
            match &answer {
                Ok(receipt) => spans::record_position(&span, receipt.position, receipt.events),
                Err(error) => span.in_scope(|| {
                    tracing::debug!(command = C::NAME, kind = error.kind(), %error, "command had no effect");
                }),
            }
            let outcome = answer.as_ref().map(drop).map_err(CommandError::kind);
            spans::record_outcome(&span, outcome);
            watch.stop(outcome);
            answer
        })
    }

    /// Whether the queue of commands is full: a further command waits for a place in it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.services.sequencer.is_full()
    }

    /// With the deadline of this bus, where the message has none of its own.
    fn due(&self, mut meta: Meta) -> Meta {
        meta.deadline = meta.deadline.or_else(|| Instant::now().checked_add(self.within?));
        meta
    }

    /// Executes a command by its name and JSON, for a transport without types.
    ///
    /// # Errors
    /// See [`WireError`]. Invalid input changes nothing.
    pub async fn execute_json(
        &self,
        name: &str,
        data: &str,
        meta: Meta,
    ) -> Result<Receipt<serde_json::Value>, WireError> {
        let handler = self.services.handlers.command(name)?;
        self.services.check_size(data)?;
        let meta = self.due(meta);
        (handler.wire)(Arc::clone(&self.services), meta, data.into()).await
    }
}

/// What a command's layers are around.
fn request<C: Handled<H>, H: 'static>(command: C, services: Arc<Services>, meta: Meta, ids: Ids) -> CommandRequest {
    CommandRequest::new(C::NAME, meta, move |meta| {
        Box::pin(async move {
            let context = CommandContext::new(services, meta, ids, &command);
            let handling: Handling<C> = command.handle(context).await;
            CommandResponse::new(handling.as_ref().map(drop).map_err(CommandError::kind), handling)
        })
    })
}
