//! Policies: what follows from an event. A policy answers an event with commands, or acts outside. It is never replayed.
//!
//! One runner per policy follows the log in order, from the policy's own checkpoint. The id of a command that it returns is derived from
//! the policy's name, the event's id, and the command's name and index. So the command takes effect once, however often the event is
//! handled: after a crash, or by several processes on one log.
//!
//! What an `async fn` does outside happens **at least once**: after a crash between the effect and the checkpoint it happens again. Pass
//! the event's id (`Recorded::id`) along, so that the outside world can recognize the repetition. One process at a time works on an
//! event of an `async fn`. If it makes no progress, another takes over
//! ([`AppBuilder::policy_lease`](crate::AppBuilder::policy_lease)).
//! [`AppBuilder::without_policies`](crate::AppBuilder::without_policies) leaves all policies to other processes.
//!
//! An `async fn` may take `Views<V>`: a view that has processed the log at least up to the event. At level 2 the policy waits for the
//! view, and retries until the view is there. `Stale<Views<V>>` does not wait, and may lack what happened just before the event.
//!
//! What happens with an event:
//!
//! - The policy returns commands: each is executed, in order, in the event's correlation and tenant, with the event as its causation and
//!   `policy:NAME` as its actor.
//! - A command is refused for good (`Rejected`, `NotFound`, `AlreadyExists`, ..): the refusal is parked
//!   ([`App::parked`](crate::App::parked)), and the policy goes on.
//! - A command meets a conflict or a middleware's refusal, or an `async fn` returns an error: it is retried with growing pauses
//!   ([`AppBuilder::policy_retry`](crate::AppBuilder::policy_retry)), and then parked likewise.
//! - The store is unavailable: it is retried until the store is back.
//! - The policy panics, or the event cannot be read: the event is parked, and the policy goes on.
//!
//! A parked entry stays until an operator decides: [`App::retry_policy`](crate::App::retry_policy) after its cause was fixed, or
//! [`App::dismiss_policy`](crate::App::dismiss_policy).
//!
//! If the log has lost an event that was handled (it was restored from a backup, or has failed over to a server that lacks its last
//! events), the policy stops in every process, and health reports it, until an operator calls
//! [`App::resume_policy`](crate::App::resume_policy).
//!
//! A renamed policy declares its former name: `#[policy(on = [..], was = "old_name")]`. When an app with it is built, it takes over the
//! former policy's progress and parked events. Its commands keep the ids that they would have had, so an event that the former one had
//! begun to handle is finished, and nothing takes effect twice. Keep `was` until nothing of the former policy is parked. While a process
//! still runs the former one, what an `async fn` does outside may happen twice.
//!
//! A policy starts at the end of the log when an app with it is first built, or at the log's first event with `#[policy(on = [..],
//! from_start)]`. Its progress is stored in the log's own database.

mod checkpoint;
mod claim;
mod error;
mod handling;
pub(crate) mod reaction;
mod retry;
pub(crate) mod returns;
mod runner;
mod settings;
mod start;
mod status;

pub use reaction::{AwaitedParameter, PolicyParameter};
pub(crate) use reaction::{PolicyInfo, name_of, owner};
pub(crate) use retry::{dismiss, resume, retry};
pub use returns::{Commands, PolicyOutcome, PolicyReturn};
pub use settings::RetryPolicy;
pub(crate) use settings::Settings;
pub(crate) use start::start;
pub(crate) use status::Policies;
pub use status::PolicyStatus;
