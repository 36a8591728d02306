//! How far behind an answer may be.

/// A query that may be answered from whatever its views show: they may lag. Without an option, every query is one.
pub enum Eventual {}

/// A query that is asked after a position only, so that it sees what its caller has written: `#[cqrs(consistency =
/// read_your_writes)]`.
pub enum ReadYourWrites {}

/// A query bus as [`App::queries`](crate::App::queries) makes it.
pub enum AnyPosition {}

/// A query bus whose queries wait for a position: [`QueryBus::after`](crate::QueryBus::after) makes one.
pub enum AfterPosition {}

/// [`Eventual`], or [`ReadYourWrites`].
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

/// What may be asked of which bus: query `Q`, of this consistency, of a bus that is at `At`.
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
