//! The progress of projections, as this process knows it, for waiting queries and for status reports.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::model::consistency::After;
use crate::model::error::{NotBuilt, NotYet, QueryError};
use crate::projection::generation::{Generations, StoredAs};
use crate::projection::partition::{Partition, Stored};
use crate::projection::{Head, ProjectionInfo, Wanted};
use crate::telemetry::ProjectionRecorder;
use cqrs_core::event::RecordedEvent;
use cqrs_core::log::{EventLog, Page};
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::ViewStore;

/// The first pause before the store is asked again for the position of another process.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// The minimum time that a store gets for its first answer.
const FIRST_ANSWER: Duration = Duration::from_millis(500);

/// The progress of every projection.
pub(crate) struct ProgressTable {
    by_projection: Mutex<BTreeMap<&'static str, ProjectionProgress>>,
    log: Arc<dyn EventLog>,
    head: Arc<Head>,
    /// Notified on every change of progress.
    moved: watch::Sender<()>,
}

/// The progress of one projection.
#[derive(Clone, Debug)]
pub(crate) struct ProjectionProgress {
    pub(super) view: Option<&'static str>,
    /// Its names in the store.
    pub(super) stored: StoredAs,
    /// Its position, while this process runs it.
    pub(super) reached: Option<Position>,
    /// Whether its rows have been complete once. From then on they show a state that existed.
    pub(super) built: bool,
    /// The position of its shadow build, if there is one.
    pub(super) shadow: Option<Position>,
    pub(super) paused: bool,
    pub(super) elsewhere: bool,
    pub(super) failures: u32,
    pub(super) error: Option<String>,
    /// The error text, if the log has lost events that the rows show. Cleared when they are rebuilt.
    pub(super) lost: Option<String>,
    /// The [`Head::losses`] when its position was last compared with the log; 0 before the first time.
    pub(super) compared: u64,
    pub(super) recorder: ProjectionRecorder,
    /// The events that it listens to.
    events: &'static [&'static str],
    /// The rate at which it folds them, into either build.
    pub(super) rate: Rate,
    /// The rates at which the live build and the shadow build process log positions.
    pub(super) pace: [Rate; 2],
    /// For a partitioned projection: the progress of each partition, while this process runs it.
    pub(super) parts: Vec<PartitionProgress>,
}

/// The known progress of one partition.
#[derive(Clone, Debug, Default)]
pub(super) struct PartitionProgress {
    pub(super) reached: Option<Position>,
    pub(super) shadow: Option<Position>,
    pub(super) held: bool,
    pub(super) compared: u64,
    pub(super) failures: u32,
    pub(super) error: Option<String>,
}

/// A recent rate per second.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    since: Instant,
    events: u64,
    last: f64,
}

impl Rate {
    const SPAN: Duration = Duration::from_secs(1);

    fn new() -> Self {
        Self { since: Instant::now(), events: 0, last: 0.0 }
    }

    fn count(&mut self, events: u64) {
        self.events += events;
        self.settle();
    }

    #[allow(clippy::cast_precision_loss, reason = "a rate is for reading")]
    fn settle(&mut self) {
        let elapsed = self.since.elapsed();
        if elapsed >= Self::SPAN {
            self.last = self.events as f64 / elapsed.as_secs_f64();
            (self.since, self.events) = (Instant::now(), 0);
        }
    }

    pub(super) fn get(mut self) -> f64 {
        self.settle();
        self.last
    }
}

impl ProjectionProgress {
    /// If the log has lost events that the rows show, makes its queries fail until its view is rebuilt.
    pub(super) fn withdraw(&mut self, lost: Option<&String>) {
        if let Some(lost) = lost {
            (self.built, self.reached, self.lost) = (false, None, Some(lost.clone()));
        }
    }

    /// Derives the projection's progress from its partitions: its queries read what all of them have folded.
    fn sum_up(&mut self) {
        let parts = &self.parts;
        let reached: Option<Vec<Position>> = parts.iter().map(|part| part.reached).collect();
        self.reached = reached.and_then(|reached| reached.into_iter().min());
        self.compared = parts.iter().map(|part| part.compared).min().unwrap_or_default();
        self.shadow = parts.iter().filter_map(|part| part.shadow).min();
        self.elsewhere = !parts.iter().any(|part| part.held);
        self.failures = parts.iter().map(|part| part.failures).max().unwrap_or_default();
        self.error = parts.iter().find_map(|part| part.error.clone());
    }
}

impl ProgressTable {
    pub(super) fn new(projections: &[&'static ProjectionInfo], log: Arc<dyn EventLog>, head: Arc<Head>) -> Self {
        let generations = Generations::of(projections);
        let progress = |info: &&'static ProjectionInfo| {
            let progress = ProjectionProgress {
                view: info.view.map(|view| view.name),
                stored: generations.get(info.name).unwrap_or(StoredAs { name: info.name, shape: None }),
                reached: None,
                built: false,
                shadow: None,
                paused: false,
                elsewhere: false,
                failures: 0,
                error: None,
                lost: None,
                compared: 0,
                recorder: ProjectionRecorder::new(info.name),
                events: info.events,
                rate: Rate::new(),
                pace: [Rate::new(), Rate::new()],
                parts: Vec::new(),
            };
            (info.name, progress)
        };
        let by_projection = Mutex::new(projections.iter().map(progress).collect());
        Self { by_projection, log, head, moved: watch::Sender::new(()) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, ProjectionProgress>> {
        self.by_projection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Updates the progress of some projections, and wakes the waiting queries.
    pub(super) fn change(&self, projections: &[&'static str], change: impl Fn(&mut ProjectionProgress)) {
        let mut progress_table = self.lock();
        for projection in projections {
            if let Some(progress) = progress_table.get_mut(projection) {
                change(progress);
                if progress.reached.is_some() {
                    // Its view is rebuilt and live.
                    progress.lost = None;
                }
            }
        }
        drop(progress_table);
        self.moved.send_replace(());
    }

    /// Counts the events of a page that a build at position `before` has folded.
    pub(super) fn folded(&self, projections: &[&'static str], shadow: bool, before: Position, page: &Page) {
        self.change(projections, |progress| {
            let new = |event: &&RecordedEvent| event.position() > before && progress.events.contains(&event.name());
            let folded = page.events.iter().filter(new).count() as u64;
            progress.rate.count(folded);
            progress.recorder.folded(folded);
            let passed = &mut progress.pace[usize::from(shadow)];
            if shadow && before == Position::START {
                *passed = Rate::new();
            }
            passed.count(page.up_to.distance_from(before));
        });
    }

    /// Updates the progress of one partition, and so of its projection.
    pub(super) fn change_partition(
        &self,
        projection: &'static str,
        part: Partition,
        change: impl Fn(&mut PartitionProgress),
    ) {
        self.change(&[projection], |progress| {
            if progress.parts.len() != part.of as usize {
                progress.parts = vec![PartitionProgress::default(); part.of as usize];
            }
            change(&mut progress.parts[part.index as usize]);
            progress.sum_up();
        });
    }

    /// The known progress of a projection.
    pub(crate) fn get(&self, projection: &str) -> Option<ProjectionProgress> {
        self.lock().get(projection).cloned()
    }

    /// The projections that `wanted` includes, by name.
    fn those(
        &self,
        wanted: impl Fn(&'static str, &ProjectionProgress) -> bool,
    ) -> Vec<(&'static str, ProjectionProgress)> {
        let progress_table = self.lock();
        progress_table
            .iter()
            .filter(|(name, progress)| wanted(name, progress))
            .map(|(name, progress)| (*name, progress.clone()))
            .collect()
    }

    /// Returns an error if the tables of an async projection are not built.
    pub(crate) async fn require_tables(&self, store: &dyn ViewStore) -> Result<(), QueryError> {
        match self.first_not_built(store, Wanted::Tables).await? {
            Some(not_built) => Err(QueryError::NotBuilt(not_built)),
            None => Ok(()),
        }
    }

    /// Returns an error if a view is not built.
    pub(crate) async fn require_built(&self, store: &dyn ViewStore, view: &'static str) -> Result<(), QueryError> {
        match self.first_not_built(store, Wanted::View(view)).await? {
            Some(not_built) => Err(QueryError::NotBuilt(not_built)),
            None => Ok(()),
        }
    }

    /// The first wanted view, or async projection's tables, that is not built.
    pub(crate) async fn first_not_built(
        &self,
        store: &dyn ViewStore,
        wanted: Wanted,
    ) -> Result<Option<NotBuilt>, StoreError> {
        let losses = self.head.losses();
        let is_known = |progress: &ProjectionProgress| progress.built && progress.compared >= losses;
        for (name, progress) in self.those(|name, progress| !is_known(progress) && wanted.is_of(name, progress.view)) {
            let goal = store.checkpoint(progress.stored.goal()).await?.map(|goal| goal.bookmark());
            let stored = Stored::in_store(store, progress.stored.name).await?;
            let at = stored.lowest(progress.stored.fingerprint());
            let lacks = goal.filter(|goal| at < Some(goal.position));
            let is_there = if progress.view.is_some() {
                at.is_some() && lacks.is_none() && self.log_holds(&stored.bookmarks()).await?
            } else {
                // If the log has lost events that it processed, it is parked, and its owner fixes its tables.
                at.is_some() && (lacks.is_none() || !self.log_holds(lacks.as_slice()).await?)
            };
            if !is_there {
                let position = progress.shadow.or(at).unwrap_or_default();
                let of = self.head.get().max(goal.map_or(position, |goal| goal.position));
                return Ok(Some(NotBuilt { view: progress.view.unwrap_or(name), position, of }));
            }
            self.lock().entry(name).and_modify(|progress| progress.built = true);
            self.compared(name, losses);
        }
        Ok(None)
    }

    /// Waits until the wanted projections are built and have reached a position.
    pub(crate) async fn wait(&self, store: &dyn ViewStore, after: After, wanted: Wanted) -> Result<(), QueryError> {
        let deadline = Instant::now() + after.within;
        let mut moved = self.moved.subscribe();
        let (mut pause, mut known) = (FIRST_PAUSE, None);
        loop {
            moved.borrow_and_update();
            let stands = self.those(|name, progress| wanted.is_of(name, progress.view));
            // Always wait for the first answer, however short the time: an error needs a position to report.
            let patience = if known.is_none() { deadline.max(Instant::now() + FIRST_ANSWER) } else { deadline };
            let looking = async { Ok((self.lowest(store, stands).await?, self.first_not_built(store, wanted).await?)) };
            let reached = tokio::time::timeout_at(patience.into(), looking).await;
            if let Ok(Ok((reached, None))) = reached
                && reached >= after.position
            {
                return Ok(());
            }
            known = reached.as_ref().ok().and_then(|reached| reached.as_ref().ok().cloned()).or(known);
            if Instant::now() >= deadline {
                let view = match wanted {
                    Wanted::View(name) | Wanted::Projection(name) => name,
                    Wanted::Tables | Wanted::All => "(all)",
                };
                return match (reached, known) {
                    (_, Some((_, Some(not_built)))) => Err(QueryError::NotBuilt(not_built)),
                    _ if after.or_stale => Ok(()),
                    (Ok(Err(error)), _) => Err(QueryError::Unavailable(error)),
                    // If only the last of several answers is late, the previous one counts.
                    (_, Some((reached, None))) => {
                        Err(QueryError::NotYet(NotYet { view, reached, wanted: after.position }))
                    }
                    (_, None) => {
                        let reason = "it did not report the view's position in time".into();
                        Err(QueryError::Unavailable(StoreError::Unavailable { store: store.describe(), reason }))
                    }
                };
            }
            let until = deadline.min(Instant::now() + pause);
            // The loop checks both outcomes.
            let _ = tokio::time::timeout_at(until.into(), moved.changed()).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Records that the store's checkpoint was compared with the log.
    ///
    /// If this process runs the projection, its runner compares the position in memory itself.
    fn compared(&self, projection: &'static str, losses: u64) {
        if let Some(progress) = self.lock().get_mut(projection)
            && progress.reached.is_none()
        {
            progress.compared = losses;
        }
    }

    /// See [`Head::losses`].
    pub(super) fn losses(&self) -> u64 {
        self.head.losses()
    }

    /// Returns whether the log holds these events.
    async fn log_holds(&self, bookmarks: &[Bookmark]) -> Result<bool, StoreError> {
        if bookmarks.iter().all(|at| *at == Bookmark::START) {
            return Ok(true);
        }
        Ok(self.log.holds(bookmarks).await?.into_iter().all(|held| held))
    }

    /// The lowest position of these projections, known in this process or read from the store.
    async fn lowest(
        &self,
        store: &dyn ViewStore,
        stands: Vec<(&'static str, ProjectionProgress)>,
    ) -> Result<Position, StoreError> {
        let mut lowest = Position::MAX;
        for (name, progress) in stands {
            let losses = self.head.losses();
            let is_compared = progress.compared >= losses;
            let reached = if let (true, Some(reached)) = (is_compared, progress.reached) {
                reached
            } else {
                let stored = Stored::in_store(store, progress.stored.name).await?;
                let held = is_compared || self.log_holds(&stored.bookmarks()).await?;
                if held {
                    self.compared(name, losses);
                }
                stored.lowest(progress.stored.fingerprint()).filter(|_| held).unwrap_or_default()
            };
            lowest = lowest.min(reached);
        }
        Ok(lowest)
    }
}
