//! How far an answer may lag behind the log.

use std::time::Duration;

use cqrs_core::position::Position;

/// How long a query waits for its views by default.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// The position that views must have reached before a query reads them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct After {
    pub position: Position,
    pub within: Duration,
    pub or_stale: bool,
}

/// A query that may be answered from views that lag. This is the default.
#[derive(Debug)]
pub enum Eventual {}

/// A query that requires a position, so that it sees what its caller has written: `#[cqrs(consistency =
/// read_your_writes)]`.
#[derive(Debug)]
pub enum ReadYourWrites {}

/// A query bus from [`App::queries`](crate::App::queries).
#[derive(Debug)]
pub enum AnyPosition {}

/// A query bus whose queries wait for a position, from [`QueryBus::after`](crate::QueryBus::after).
#[derive(Debug)]
pub enum AfterPosition {}

/// [`Eventual`] or [`ReadYourWrites`].
pub trait Consistency {
    /// Whether the query needs a position.
    const NEEDS_POSITION: bool;
}

impl Consistency for Eventual {
    const NEEDS_POSITION: bool = false;
}

impl Consistency for ReadYourWrites {
    const NEEDS_POSITION: bool = true;
}

/// Implemented where a query of this consistency may be asked of a bus that is at `At`.
#[diagnostic::on_unimplemented(
    message = "[CQRS309] `{Q}` reads its caller's own writes, and is asked without saying how far they go",
    label = "no position to wait for",
    note = "it declares `consistency = read_your_writes`: an answer from a view that lags would be wrong",
    note = "say what it has to see: `app.queries().after(receipt.position()).ask(..)`",
    note = "see: cqrs_runtime::rules#cqrs309"
)]
pub trait AskedAt<At, Q> {}

#[diagnostic::do_not_recommend]
impl<Q> AskedAt<AnyPosition, Q> for Eventual {}

#[diagnostic::do_not_recommend]
impl<C: Consistency, Q> AskedAt<AfterPosition, Q> for C {}
