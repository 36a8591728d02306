//! Policies: what follows from an event. A policy answers it with commands, or acts outside; it is never replayed.
//!
//! One runner a policy follows the log from the policy's own checkpoint, in order. A command that it returns has an id made
//! of the policy's name, the event's id, and the command's name and place, so that it takes effect once however often the
//! event is handled: after a crash, or by several processes on one log.
//!
//! What an `async fn` does outside happens **at least once**: after a crash between the effect and the checkpoint it happens
//! again. The event's id (`Recorded::id`) tells the outside world that it is the same again. Of several processes one at a time
//! is at work on an event of an `async fn`; if it does not come on, another takes over
//! ([`AppBuilder::take_over_after`](crate::AppBuilder::take_over_after)).
//! [`AppBuilder::without_policies`](crate::AppBuilder::without_policies) leaves all policies to others.
//!
//! An `async fn` may take `Views<V>`: a view that has everything up to the event, and perhaps more. At level 2 it waits for the view,
//! and is tried again until the view is there. `Stale<Views<V>>` waits for nothing, and may lack what happened a moment before the
//! event.
//!
//! What becomes of an event:
//!
//! - the policy returns commands: each is executed, in order, in the event's correlation and tenant, with the event as its
//!   causation and `policy:NAME` as its actor
//! - a command is refused for good (`Rejected`, `NotFound`, `AlreadyExists`, ..): that is kept, visibly, among
//!   [`App::parked`](crate::App::parked), and the policy goes on
//! - a command meets a conflict or a middleware's refusal, or an `async fn` returns an error: it is tried again, with growing
//!   pauses ([`AppBuilder::policy_attempts`](crate::AppBuilder::policy_attempts)), and then parked likewise
//! - the store is away: it is tried until it is back
//! - the policy panics, or the event cannot be read: the event is parked, and the policy goes on
//!
//! What is parked stays until an operator says what becomes of it: [`App::retry_policy`](crate::App::retry_policy), once its cause
//! is mended, or [`App::dismiss_policy`](crate::App::dismiss_policy).
//!
//! Where the log has lost an event that was handled (it was restored from a backup, or has failed over to a server that lacks its
//! last events), the policy stops in every process, and health says so, until an operator says from where it goes on:
//! [`App::resume_policy`](crate::App::resume_policy).
//!
//! A policy that gets another name says what it was: `#[policy(on = [..], was = "old_name")]`. When an app that has it is built, it
//! takes over how far the old one has come, and what it could not finish. Its commands keep the ids that they would have had, so that an
//! event which the old one had begun to handle is finished, and nothing takes effect twice. Keep `was` until nothing of the old one's
//! is parked. While a process still runs the old one, what an `async fn` does outside may happen twice.
//!
//! A policy starts where the log ends when an app that has it is first built, or with `#[policy(on = [..], from_start)]` at the
//! log's first event. How far it has come is kept in the log's own database.

mod claim;
mod handling;
mod reaction;
mod retry;
mod returns;
mod runner;
mod start;
mod status;

pub use reaction::{
    AwaitedParameter, FormerName, PolicyContext, PolicyParameter, React, Reacting, Reaction, ReactionError,
};
pub(crate) use reaction::{PolicyInfo, name_of, owner};
pub(crate) use retry::{dismiss, resume, retry};
pub use returns::{
    Commands, Each, Nothing, One, PolicyOutcome, PolicyReturn, Returned, ReturnedNothing, Sent, may_return, returns,
};
pub(crate) use start::{Settings, start};
pub(crate) use status::Policies;
pub use status::PolicyStatus;
