//! Level 1: projections that are folded in the log's own transactions.
//!
//! A command's transaction folds events into the projections that are near the log's head ([`NEAR`]): first the events of other
//! processes, then its own. Commands of every version skip a projection that is further behind (it was just added, or its program
//! has not run for a while). A background task, the [`Follower`], builds it in pages. Once it is near, the next transaction folds
//! it too.
//!
//! Each transaction reads from the checkpoints which projections are near. Processes need no other coordination.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::engine::Engine;
use super::lost::clear_lost;
use crate::projection::{PAGE, ProjectionInfo};
use crate::telemetry::Recorder;
use cqrs_core::event::RecordedEvent;
use cqrs_core::log::{EventQuery, LogTransaction};
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{ViewShape, ViewTransaction};

mod follower;
mod operate;

pub(crate) use follower::{Follower, Wanted};

/// How many events a projection may be behind and still be folded by a command's transaction.
pub(super) const NEAR: u64 = PAGE as u64;

/// Projections that commands fold, and their last known progress.
#[derive(Default)]
pub(crate) struct Inline {
    pub(super) engine: Engine,
    /// The last known progress, by checkpoint name.
    known: Mutex<BTreeMap<&'static str, Known>>,
    /// Notified on every change of `known`.
    moved: watch::Sender<()>,
}

/// The last known progress of one projection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(super) projection: &'static str,
    pub(super) view: Option<&'static str>,
    /// When this process last checked, its rows included every event up to here.
    pub(crate) reached: Position,
    /// Whether it has been near the head since this process started. If so, it is never far behind for long.
    pub(crate) built: bool,
    /// Whether it is parked as a whole, as an async projection can be.
    pub(crate) parked: bool,
    /// The position of its shadow build, if there is one.
    pub(crate) shadow: Option<Position>,
}

impl Inline {
    /// # Errors
    /// The names of projections that look each other up in a circle.
    pub(crate) fn new(projections: &[&'static ProjectionInfo]) -> Result<Self, String> {
        let engine = Engine::new(projections)?;
        let known = |(stored, projection): (&&'static str, &'static str)| {
            let info = projections.iter().find(|info| info.name == projection);
            let view = info.and_then(|info| info.view).map(|view| view.name);
            (*stored, Known { projection, view, reached: Position::START, built: false, parked: false, shadow: None })
        };
        let known = Mutex::new(engine.names().iter().zip(engine.projections()).map(known).collect());
        Ok(Self { engine, known, moved: watch::Sender::new(()) })
    }

    /// The views that they fold into.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = &ViewShape> {
        self.engine.shapes()
    }

    /// The shape under which the rows of a view are stored.
    pub(crate) fn shape_of(&self, view: &str) -> Option<ViewShape> {
        let stored = self.lock().iter().find(|(_, known)| known.view == Some(view)).map(|(stored, _)| *stored)?;
        self.engine.places().find(|place| place.projection == stored).map(|place| place.shape)
    }

    /// The projection whose checkpoint and parked keys have this name.
    pub(crate) fn plain(&self, stored: &str) -> Option<&'static str> {
        self.lock().get(stored).map(|known| known.projection)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last known progress of a projection.
    pub(crate) fn get(&self, projection: &str) -> Option<Known> {
        self.lock().values().find(|known| known.projection == projection).copied()
    }

    /// Records the committed positions of projections, with the log's head at that time.
    pub(crate) fn learn(&self, reached: impl IntoIterator<Item = (&'static str, Position)>, head: Position) {
        let mut all = self.lock();
        for (stored, position) in reached {
            if let Some(known) = all.get_mut(stored) {
                known.reached = position;
                known.built |= is_near(position, head);
            }
        }
        drop(all);
        self.moved.send_replace(());
    }

    /// Returns whether a projection is beyond the log's head. If so, the log has lost events.
    pub(super) fn is_beyond(&self, head: Position) -> bool {
        self.lock().values().any(|known| known.reached > head)
    }

    /// Marks all projections as not built until they are near the head again.
    pub(super) fn withdraw(&self) {
        self.lock().values_mut().for_each(|known| known.built = false);
    }

    /// Folds the events that others have appended into the projections that are near the log's head.
    ///
    /// Returns whether there was anything to fold.
    pub(crate) async fn catch_up(&self, tx: &mut dyn LogTransaction, recorder: &Recorder) -> Result<bool, StoreError> {
        let head = tx.head();
        if !self.engine.names().is_empty() {
            clear_lost(tx, &self.engine).await?;
        }
        let Some(views) = tx.views().filter(|_| !self.engine.names().is_empty()) else { return Ok(false) };
        let reached = self.engine.following(views).await?;
        let lowest = reached.into_iter().map(|(_, at)| at).filter(|at| is_near(*at, head)).min();
        let Some(mut after) = lowest.filter(|lowest| *lowest < head) else { return Ok(false) };
        while after < head {
            let page = tx.read(&EventQuery::all(), after, PAGE).await?;
            let Some(views) = tx.views() else { break };
            if page.events.is_empty() {
                break;
            }
            self.engine.apply(views, after, &page.events, page.end()).await?;
            recorder.folded(&page.events);
            after = page.up_to;
        }
        Ok(true)
    }

    /// Folds the events that a transaction appends after `after`.
    pub(crate) async fn apply(
        &self,
        tx: &mut dyn ViewTransaction,
        after: Position,
        events: &[RecordedEvent],
        up_to: Bookmark,
    ) -> Result<(), StoreError> {
        self.engine.apply(tx, after, events, up_to).await.map(drop)
    }

    /// The positions of all projections, as the transaction sees them.
    pub(crate) async fn reached(
        &self,
        tx: &mut dyn LogTransaction,
    ) -> Result<Vec<(&'static str, Position)>, StoreError> {
        match tx.views() {
            Some(views) if !self.engine.names().is_empty() => {
                let reached = self.engine.reached(views).await?;
                Ok(reached.into_iter().map(|(name, checkpoint)| (name, checkpoint.position)).collect())
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// Returns whether the missing events are few enough to fold in one transaction.
pub(super) fn is_near(at: Position, head: Position) -> bool {
    head.get().saturating_sub(at.get()) <= NEAR
}
