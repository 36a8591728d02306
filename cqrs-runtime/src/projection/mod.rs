//! Projections: how events become read models.

use crate::model::aggregate::FoldError;
use cqrs_core::database::{Database, Tx};
use cqrs_core::event::RecordedEvent;
use cqrs_core::store_error::BoxFuture;
use cqrs_core::view::View;

mod changed;
mod engine;
mod erased;
mod filled;
pub(crate) mod fingerprint;
mod generation;
mod head;
pub(crate) mod info;
mod inline;
mod lost;
pub(crate) mod overlay;
mod partition;
mod replay;
mod runner;
pub(crate) mod views;

pub(crate) use changed::changed_in;
pub(crate) use engine::Engine;
pub(crate) use erased::ErasedProjection;
pub(crate) use fingerprint::Basis;
pub(crate) use generation::Generations;
pub(crate) use head::Head;
pub(crate) use info::ProjectionInfo;
pub(crate) use inline::{Follower, Inline, Known, Wanted};
pub(crate) use lost::lost_text;
pub use overlay::FindsRow;
pub(crate) use overlay::{LookUps, Rows};
pub(crate) use partition::{MOST_PARTS, Stored, kept};
pub(crate) use runner::{NoStart, Partitions, ProgressTable, ProjectionProgress, Runner, Timing};
pub use runner::{PartitionStatus, Progress, ProjectionState, ProjectionStatus};

/// How many events are read at once.
pub(crate) const PAGE: usize = 1_000;

/// A projection whose methods fold events into a view. Made by `#[projection(on = [..])]` on an `impl` of fold methods.
pub trait Fold: Send + Sync + 'static {
    /// The projection's name: the type's own, or `name = ".."`.
    const NAME: &'static str;
    /// The view that it makes.
    type View: View;
    /// The names of the events that it listens to.
    const EVENTS: &'static [&'static str];
    /// What else its rows depend on.
    const BASIS: Basis;

    /// Applies one event to the rows that it is about. An event of another name changes nothing.
    ///
    /// It is called twice: once to learn which rows the event needs (no method runs then), and once with those rows.
    ///
    /// # Errors
    /// The event cannot be decoded. If a row's method fails, `rows` parks that row's key instead.
    fn fold(event: &RecordedEvent, look_ups: &LookUps<'_>, rows: &mut Rows<'_, Self::View>) -> Result<(), FoldError>;
}

/// A projection whose methods write through a transaction of the read database. Made by `#[projection(on = [..])]` on an
/// `impl` of `async fn`s.
pub trait Handle: Send + Sync + 'static {
    /// The projection's name: the type's own, or `name = ".."`.
    const NAME: &'static str;
    /// The database that it writes to.
    type Database: Database;
    /// The names of the events that it listens to.
    const EVENTS: &'static [&'static str];
    /// What else its tables depend on.
    const BASIS: Basis;

    /// Applies one event. An event of another name changes nothing.
    fn handle<'a>(event: &'a RecordedEvent, tx: &'a mut Tx<Self::Database>) -> BoxFuture<'a, Result<(), FoldError>>;
}
