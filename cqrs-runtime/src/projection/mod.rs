//! Projections: how events become read models.

use crate::core::event::RecordedEvent;
use crate::core::log::BoxFuture;
use crate::core::view::View;
use crate::model::aggregate::FoldError;
use crate::model::parameters::{Database, Tx};

mod changed;
mod engine;
mod erased;
mod fingerprint;
mod generation;
mod inline;
mod lost;
mod overlay;
mod partition;
mod replay;
mod runner;
pub(crate) mod views;

pub(crate) use changed::changed_in;
pub(crate) use engine::Engine;
pub(crate) use erased::ErasedProjection;
pub use fingerprint::Basis;
pub(crate) use generation::{Generations, taken_apart};
pub(crate) use inline::{Follower, Inline, Known, Wanted};
pub(crate) use lost::lost_text;
pub use overlay::{FindsRow, LookUps, Rows};
pub(crate) use partition::{MOST_PARTS, Stored, kept};
pub(crate) use runner::{Either, NoStart, Pace, Partitions, Runner, Standing, Standings, race};
pub use runner::{PartitionStatus, Progress, ProjectionState, ProjectionStatus};

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
    /// The event cannot be decoded. What a row's method refuses is `rows`' affair: it parks that row's key.
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

/// Turns what an async projection's method returned into the engine's own error.
pub fn handled<E: std::fmt::Display>(event: &RecordedEvent, result: Result<(), E>) -> Result<(), FoldError> {
    result.map_err(|error| FoldError::at(event, crate::model::aggregate::FoldRefusal::Failed(error.to_string())))
}

/// The name of a view that a projection looks up.
#[must_use]
pub const fn looked_up<V: View>() -> &'static str {
    V::LAYOUT.name
}
