//! What a policy may return: commands in several shapes, or nothing.

use std::fmt;
use std::marker::PhantomData;

use super::error::ReactionError;
use crate::bus::command::CommandBus;
use crate::bus::handler::Handled;
use crate::model::error::{CommandError, DomainError};
use crate::model::message::Command;
use cqrs_core::debug::opaque_debug;
use cqrs_core::json::KeepError;
use cqrs_core::store_error::{BoxFuture, StoreError};

/// The return type of a policy `fn`: commands or nothing.
#[diagnostic::on_unimplemented(
    message = "[CQRS601] a policy cannot return `{Self}`",
    label = "neither nothing nor commands",
    note = "what follows from an event is commands: they get ids, so that each takes effect once",
    note = "return nothing, a command (`#[derive(Command)]`), or a tuple, array, `Vec` or `Option` of them; an `async fn` also \
            `Result<commands, error>`, where the error is `Display` and is tried again",
    note = "see: cqrs_runtime::rules#cqrs601"
)]
pub trait PolicyReturn: Sized + Send + 'static {
    /// The shape in which it holds its commands.
    type Shape;
    /// Adds the names of all commands that it may hold.
    fn names(names: &mut Vec<&'static str>);
}

/// The return type of a policy `async fn`: commands or nothing, or a `Result` of them.
#[diagnostic::on_unimplemented(
    message = "[CQRS601] a policy cannot return `{Self}`",
    label = "neither nothing nor commands, nor a `Result` of them",
    note = "what follows from an event is commands: they get ids, so that each takes effect once",
    note = "return nothing, a command (`#[derive(Command)]`), a tuple, array, `Vec` or `Option` of them, or \
            `Result<commands, error>`, where the error is `Display` and is tried again",
    note = "see: cqrs_runtime::rules#cqrs601"
)]
pub trait PolicyOutcome: Sized + Send + 'static {
    /// The commands.
    type Commands: PolicyReturn;
    /// The commands, or the policy's error.
    ///
    /// # Errors
    /// Those of the policy.
    fn into_outcome(self) -> Result<Self::Commands, String>;
}

#[diagnostic::do_not_recommend]
impl<R: PolicyReturn> PolicyOutcome for R {
    type Commands = R;
    fn into_outcome(self) -> Result<R, String> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<R: PolicyReturn, E: fmt::Display + Send + 'static> PolicyOutcome for Result<R, E> {
    type Commands = R;
    fn into_outcome(self) -> Result<R, String> {
        self.map_err(|error| error.to_string())
    }
}

/// Commands that all have handlers. `S` is their shape, that of a [`PolicyReturn`].
///
/// `H` is the type of their handlers; the compiler infers it.
#[diagnostic::on_unimplemented(
    message = "[CQRS207] no `#[command]` handler for `{Self}`",
    label = "nothing handles this",
    note = "a command that nothing handles could only fail in production",
    note = "write `#[command] fn ..(cmd: {Self}, ..)`, or link the crate that has it",
    note = "see: cqrs_runtime::rules#cqrs207"
)]
pub trait Commands<S, H> {
    /// Passes on every command, in order.
    fn send(self, to: &mut Sent);
}

/// The shape of one command.
#[derive(Debug)]
pub struct One;
/// The shape of no command.
#[derive(Debug)]
pub struct Nothing;
/// The shape of a collection of commands.
pub struct Each<S>(PhantomData<S>);

opaque_debug!([S] Each<S>);

#[diagnostic::do_not_recommend]
impl<C: Command> PolicyReturn for C {
    type Shape = One;
    fn names(names: &mut Vec<&'static str>) {
        names.push(C::NAME);
    }
}

impl<C: Handled<H>, H: 'static> Commands<One, H> for C {
    fn send(self, to: &mut Sent) {
        to.commands.push(Box::new(TypedCommand::<C, H>::new(self)));
    }
}

#[diagnostic::do_not_recommend]
impl PolicyReturn for () {
    type Shape = Nothing;
    fn names(_: &mut Vec<&'static str>) {}
}

impl Commands<Nothing, ()> for () {
    fn send(self, _: &mut Sent) {}
}

macro_rules! collections_of_commands {
    ($($collection:ty, [$($size:tt)*];)+) => {$(
        #[diagnostic::do_not_recommend]
        impl<R: PolicyReturn, $($size)*> PolicyReturn for $collection {
            type Shape = Each<R::Shape>;
            fn names(names: &mut Vec<&'static str>) {
                R::names(names);
            }
        }

        impl<R: Commands<S, H>, S, H, $($size)*> Commands<Each<S>, H> for $collection {
            fn send(self, to: &mut Sent) {
                for commands in self {
                    commands.send(to);
                }
            }
        }
    )+};
}
collections_of_commands! {
    Vec<R>, [];
    [R; N], [const N: usize];
}

#[diagnostic::do_not_recommend]
impl<R: PolicyReturn> PolicyReturn for Option<R> {
    type Shape = Each<R::Shape>;
    fn names(names: &mut Vec<&'static str>) {
        R::names(names);
    }
}

impl<R: Commands<S, H>, S, H> Commands<Each<S>, H> for Option<R> {
    fn send(self, to: &mut Sent) {
        if let Some(commands) = self {
            commands.send(to);
        }
    }
}

macro_rules! tuples_of_commands {
    ($(($($part:ident $shape:ident $handlers:ident)+))+) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($part: PolicyReturn),+> PolicyReturn for ($($part,)+) {
            type Shape = ($($part::Shape,)+);
            fn names(names: &mut Vec<&'static str>) {
                $($part::names(names);)+
            }
        }

        impl<$($part: Commands<$shape, $handlers>, $shape, $handlers),+> Commands<($($shape,)+), ($($handlers,)+)> for ($($part,)+) {
            #[allow(non_snake_case, reason = "a field is named like its type")]
            fn send(self, to: &mut Sent) {
                let ($($part,)+) = self;
                $($part.send(to);)+
            }
        }
    )+};
}
tuples_of_commands! {
    (A SA HA)
    (A SA HA B SB HB)
    (A SA HA B SB HB C SC HC)
    (A SA HA B SB HB C SC HC D SD HD)
    (A SA HA B SB HB C SC HC D SD HD E SE HE)
    (A SA HA B SB HB C SC HC D SD HD E SE HE F SF HF)
    (A SA HA B SB HB C SC HC D SD HD E SE HE F SF HF G SG HG)
    (A SA HA B SB HB C SC HC D SD HD E SE HE F SF HF G SG HG I SI HI)
}

/// Adds the names of the commands that a policy may send.
pub type Names = fn(&mut Vec<&'static str>);

/// Checks what a policy `fn` returns at compile time, and returns the names of its commands.
#[must_use]
pub const fn returns<R: PolicyReturn>() -> Names {
    R::names
}

/// Checks what a policy `async fn` returns at compile time, and returns the names of its commands.
#[must_use]
pub const fn may_return<R: PolicyOutcome>() -> Names {
    <R::Commands as PolicyReturn>::names
}

/// The type that a policy returns.
pub struct Returned<R>(PhantomData<R>);

opaque_debug!([R] Returned<R>);

impl<R: PolicyOutcome> Returned<R> {
    /// Takes the commands out of the returned value. A command without a handler is refused here. The value is not an
    /// argument, so that rustc reports an error at its type.
    #[must_use]
    pub fn sent<H>() -> fn(R) -> Result<Sent, ReactionError>
    where
        R::Commands: Commands<<R::Commands as PolicyReturn>::Shape, H>,
    {
        |returned| {
            let mut sent = Sent::default();
            returned.into_outcome().map_err(ReactionError::Failed)?.send(&mut sent);
            Ok(sent)
        }
    }
}

/// Fallback of [`Returned::sent`] for a type that the compiler has already refused.
pub trait ReturnedNothing {
    /// Never called: the program does not compile.
    #[must_use]
    fn sent<R>() -> fn(R) -> Result<Sent, ReactionError> {
        |_| unreachable!("no commands")
    }
}

impl<R> ReturnedNothing for Returned<R> {}

/// The commands that a policy has returned for one event, and that are not sent yet.
#[derive(Default)]
pub struct Sent {
    pub(super) commands: Vec<Box<dyn SentCommand>>,
}

opaque_debug!(Sent);

/// Why a command of a policy took no effect.
pub(super) enum Failure {
    /// The app is shutting down.
    ShutDown,
    /// The store is unavailable.
    Unavailable(String),
    /// It may succeed later.
    Later(String),
    /// It will never succeed.
    Final(String),
}

/// A command on its way to the bus, with its type erased.
pub(super) trait SentCommand: Send {
    /// Its name.
    fn name(&self) -> &'static str;
    /// Executes it. It can be called again.
    fn execute(&mut self, bus: &CommandBus) -> BoxFuture<'static, Result<(), Failure>>;
}

struct TypedCommand<C, H> {
    /// The command, until it is first executed.
    fresh: Option<C>,
    /// Its JSON, for further attempts: a command need not be `Clone`.
    json: Result<String, KeepError>,
    handlers: PhantomData<fn() -> H>,
}

impl<C: Command, H> TypedCommand<C, H> {
    fn new(command: C) -> Self {
        Self { json: (C::JSON.write)(&command), fresh: Some(command), handlers: PhantomData }
    }

    fn take(&mut self) -> Result<C, Failure> {
        if let Some(fresh) = self.fresh.take() {
            return Ok(fresh);
        }
        let again = self.json.as_ref().map_err(ToString::to_string);
        let again = again.and_then(|json| (C::JSON.read)(json).map_err(|error| error.to_string()));
        again.map_err(|error| Failure::Final(format!("it cannot be sent again: its JSON cannot be read back: {error}")))
    }
}

impl<C: Handled<H>, H: 'static> SentCommand for TypedCommand<C, H> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn execute(&mut self, bus: &CommandBus) -> BoxFuture<'static, Result<(), Failure>> {
        match self.take() {
            Ok(command) => {
                let answer = bus.execute(command);
                Box::pin(async { answer.await.map(drop).map_err(|error| failure(&error)) })
            }
            Err(failure) => Box::pin(std::future::ready(Err(failure))),
        }
    }
}

fn failure<E: DomainError>(error: &CommandError<E>) -> Failure {
    let text = format!("{}: {error}", error.kind());
    match error {
        CommandError::ShutDown => Failure::ShutDown,
        CommandError::Unavailable(StoreError::Unavailable { .. } | StoreError::Unknown { .. }) => {
            Failure::Unavailable(text)
        }
        CommandError::Unavailable(_)
        | CommandError::Conflict(_)
        | CommandError::TimedOut
        | CommandError::Middleware(_) => Failure::Later(text),
        _ => Failure::Final(text),
    }
}
