//! Operating projections.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::App;
use crate::bus::read_side::KeptBy;
use crate::model::consistency::After;
use crate::model::error::{Named, OperationError, QueryError, UnknownName};
use crate::policy;
use crate::projection::{
    Known, ProjectionInfo, ProjectionProgress, ProjectionState, ProjectionStatus, Stored, Wanted, changed_in,
};
use crate::telemetry::spans;
use cqrs_core::log::EventQuery;
use cqrs_core::position::Position;
use cqrs_core::store_error::StoreError;
use cqrs_core::time::Timestamp;
use cqrs_core::view::Parked;

/// How long each part of an app may take to close.
const CLOSE: Duration = Duration::from_secs(10);

impl App {
    /// The parked keys of all projections, and the unfinished work of policies (`policy:NAME`): an event at `@position`, or a
    /// command. Includes policies that this program does not have. Empty if there is nothing to do.
    ///
    /// # Errors
    /// The read side cannot be reached, or the log, which stores the policies' part.
    pub async fn parked(&self) -> Result<Vec<Parked>, StoreError> {
        let mut parked = Vec::new();
        for slot in &self.services.reads.slots {
            // Parked keys of a shadow build show when it takes its view's place.
            let known = |parked: Parked| {
                let projection = slot.generations.plain(&parked.projection)?.to_owned();
                Some(Parked { projection, ..parked })
            };
            parked.extend(slot.store.parked().await?.into_iter().filter_map(known));
            parked.extend(changed_in(&*slot.store, &slot.projections).await?);
        }
        if let Some(shadow) = self.services.log.views() {
            // A policy that this program does not know has unfinished work all the same.
            let unfinished = shadow.parked().await?.into_iter();
            parked.extend(unfinished.filter(|parked| policy::name_of(&parked.projection).is_some()));
        }
        Ok(parked)
    }

    /// Folds a parked key again: the event that it is parked at and all later events of that key, in order, from the log. Other
    /// keys are not touched, and look-ups return what they returned at that event. If an event fails again, the key is parked
    /// there, with one more attempt: see [`parked`](Self::parked).
    ///
    /// An async projection is parked as a whole (its key is empty), and goes on from its event.
    ///
    /// Projections that are looked up are folded from the log's start, in memory. At level 1 commands go on while this runs. At
    /// level 2 the projection pauses, together with those that look-ups connect it with.
    ///
    /// At level 2 another process that runs the projection releases it for this within a third of its
    /// [lease](crate::AppBuilder::projection_lease), and takes it back afterwards.
    ///
    /// # Errors
    /// See [`OperationError`]: no projection has that name, the key is not parked, the parked event has no key, another process
    /// runs the projection and does not release it (because it paused it, for example), or a store failed. Then nothing is
    /// changed.
    pub async fn retry(&self, projection: &str, key: &str) -> Result<(), OperationError> {
        self.retry_key(projection, key, false).await
    }

    /// Like [`retry`](Self::retry), but skips the event that failed. A rebuild will process it again.
    ///
    /// # Errors
    /// As for [`retry`](Self::retry), except that an event without a key can be skipped.
    pub async fn skip(&self, projection: &str, key: &str) -> Result<(), OperationError> {
        self.retry_key(projection, key, true).await
    }

    async fn retry_key(&self, projection: &str, key: &str, skip: bool) -> Result<(), OperationError> {
        let projection = self.projection(projection)?.name;
        match self.kept_by(projection)? {
            KeptBy::Runner(runner) => runner.retry_key(projection, key, skip).await,
            KeptBy::Commands(follower) => follower.retry_key(projection, key, skip).await,
            KeptBy::Nobody => Err(stored_nowhere(projection).into()),
        }
    }

    /// Rebuilds a projection from the whole log, after its code was fixed for example, together with those that look-ups connect it
    /// with. Its parked keys are cleared; events that still fail park them again. Returns the position that it has reached.
    ///
    /// The new rows are a shadow build: the old ones are read and kept up to date until the new ones replace them, and commands go
    /// on. If the program ends before that, the build continues at its next start. Any process that shares the read database can be
    /// asked: it starts the rebuild, and the process that runs the projection continues it. An async projection gets all its events
    /// once more, from the first: clearing its tables is up to you, and at level 2 this process does not read them until it is done.
    ///
    /// It takes as long as the log is long, but does not wait for a rebuild that hangs: if the new rows get no further for a while
    /// (20 seconds at level 1, three [leases](crate::AppBuilder::projection_lease) at level 2), the call fails with
    /// [`OperationError::Stalled`], and the rebuild goes on when it can.
    ///
    /// # Errors
    /// See [`OperationError`]: no projection has that name, another process runs it and does not release it (because it
    /// paused it, for example), the rebuild gets no further, or the store failed. Then the old rows are still there.
    pub async fn rebuild(&self, projection: &str) -> Result<Position, OperationError> {
        let projection = self.projection(projection)?.name;
        let span = spans::rebuild(projection);
        match self.kept_by(projection)? {
            KeptBy::Runner(runner) => runner.rebuild(projection).instrument(span).await,
            KeptBy::Commands(follower) => follower.rebuild(projection).instrument(span).await,
            KeptBy::Nobody => Err(stored_nowhere(projection).into()),
        }
    }

    /// Pauses a projection (level 2), together with those that look-ups connect it with. This process keeps the lease, so no
    /// other process runs the projection, until [`resume`](Self::resume) or the end of the app.
    ///
    /// # Errors
    /// See [`OperationError`]: no projection has that name, or it is folded with each command (level 1).
    pub async fn pause(&self, projection: &str) -> Result<(), OperationError> {
        self.set_paused(projection, true).await
    }

    /// Resumes a paused projection.
    ///
    /// # Errors
    /// As for [`pause`](Self::pause).
    pub async fn resume(&self, projection: &str) -> Result<(), OperationError> {
        self.set_paused(projection, false).await
    }

    async fn set_paused(&self, projection: &str, paused: bool) -> Result<(), OperationError> {
        let projection = self.projection(projection)?.name;
        match self.kept_by(projection)? {
            KeptBy::Runner(runner) => runner.pause(projection, paused).await,
            _ => Err(OperationError::Inline { projection: projection.to_owned() }),
        }
    }

    /// Closes the app and all its clones, and releases what other processes would wait for: the events that its policies work on, and
    /// the leases of its projections (level 2). Other processes take them over at once.
    ///
    /// Queued commands are decided and answered. Later ones get [`CommandError::ShutDown`](crate::CommandError::ShutDown). Queries are
    /// still answered.
    ///
    /// It takes half a minute at most: policies, projections and commands get ten seconds each. A policy function that runs longer is
    /// cut off. Call it when the program ends. Without it, other processes take over the projections when the
    /// [lease](crate::AppBuilder::projection_lease) has expired, and the policies after
    /// [`policy_lease`](crate::AppBuilder::policy_lease).
    pub async fn close(self) {
        self.inner.policies.end(CLOSE).await;
        let deadline = Instant::now() + CLOSE;
        for runner in self.services.reads.runners() {
            if timeout_at(deadline, runner.end()).await.is_err() {
                tracing::warn!("projection still running at close; its lease will expire");
            }
        }
        self.services.sequencer.close(CLOSE).await;
    }

    /// Waits until every projection has processed the log up to a position.
    ///
    /// # Errors
    /// [`QueryError::NotYet`] after that time, or the read side cannot be reached.
    pub async fn caught_up(&self, position: Position, within: Duration) -> Result<(), QueryError> {
        self.services.wait_for_all(After { position, within, or_stale: false }).await
    }

    /// The status of each projection, by name.
    ///
    /// # Errors
    /// The log or the read side cannot be reached.
    pub async fn projections(&self) -> Result<Vec<ProjectionStatus>, StoreError> {
        let (head, parked) = (self.services.log.head().await?, self.parked().await?);
        let mut statuses = Vec::new();
        for (slot, info) in self.services.reads.projections() {
            let progress = slot.runner().and_then(|runner| runner.progress_table().get(info.name));
            let known = slot.follower().and_then(|follower| follower.get(info.name));
            let Some(place) = slot.generations.get(info.name) else { continue };
            let stored = Stored::in_store(&*slot.store, place.name).await?;
            let partitions = ProjectionProgress::partitions(progress.as_ref(), &stored);
            let reached = progress.as_ref().and_then(ProjectionProgress::reached);
            let position = reached.or_else(|| stored.lowest(place.fingerprint())).unwrap_or_default();
            let parked: Vec<_> = parked.iter().filter(|parked| parked.projection == info.name).collect();
            let waits = parked.iter().any(|parked| parked.key.is_empty());
            let built = match slot.runner() {
                Some(runner) => {
                    let wanted = Wanted::Projection(info.name);
                    runner.progress_table().first_not_built(&*slot.store, wanted).await?.is_none()
                }
                None => known.is_none_or(|known| known.built || (known.parked && info.view.is_none())),
            };
            let state = match &progress {
                Some(progress) => progress.state(waits),
                None => state_at_level_1(known, waits),
            };
            let state = match state {
                ProjectionState::Running if !built => ProjectionState::Building(position),
                state => state,
            };
            let is_behind = position < head && state == ProjectionState::Elsewhere && partitions.is_empty();
            let is_unattended = is_behind && slot.store.holders(&[place.name]).await?.iter().all(Option::is_none);
            statuses.push(ProjectionStatus {
                name: info.name,
                state,
                is_unattended,
                position,
                lag_events: head.distance_from(position),
                lag_seconds: if position < head { self.lag(info, position).await? } else { 0.0 },
                last_error: progress.as_ref().and_then(ProjectionProgress::error),
                rate: progress.as_ref().map_or(0.0, ProjectionProgress::rate),
                pace: progress.as_ref().map_or(0.0, ProjectionProgress::pace),
                shadow: match &progress {
                    Some(progress) => progress.shadow(),
                    None => known.and_then(|known| known.shadow),
                },
                parked: parked.len(),
                built,
                partitions,
            });
        }
        statuses.sort_by_key(|status| status.name);
        Ok(statuses)
    }

    /// The age of the oldest event that a projection has not processed, in seconds.
    #[allow(clippy::cast_precision_loss, reason = "seconds are for reading")]
    async fn lag(&self, info: &ProjectionInfo, after: Position) -> Result<f64, StoreError> {
        let page = self.services.log.read(&EventQuery::named(info.events), after, 1).await?;
        let oldest = page.events.first().map(|event| event.header().recorded_at.as_micros());
        Ok(oldest.map_or(0.0, |at| (Timestamp::now().as_micros() - at).max(0) as f64 / 1e6))
    }

    /// The task that keeps a projection up to date.
    fn kept_by(&self, projection: &str) -> Result<&KeptBy, StoreError> {
        let slot = self.services.reads.of_projection(projection);
        slot.map(|slot| &slot.by).ok_or_else(|| stored_nowhere(projection))
    }

    fn projection(&self, name: &str) -> Result<&'static ProjectionInfo, OperationError> {
        let known = self.inner.registry.projections();
        known.iter().copied().find(|info| info.name == name).ok_or_else(|| {
            let known = known.iter().map(|info| info.name).collect();
            OperationError::Unknown(UnknownName { what: Named::Projection, name: name.to_owned(), known })
        })
    }
}

fn state_at_level_1(known: Option<Known>, waits: bool) -> ProjectionState {
    match known {
        _ if waits => ProjectionState::Parked,
        Some(Known { shadow: Some(at), .. }) => ProjectionState::Rebuilding(at),
        _ => ProjectionState::Running,
    }
}

fn stored_nowhere(projection: &str) -> StoreError {
    StoreError::Failed { store: "the app".into(), reason: format!("no store holds projection `{projection}`") }
}
