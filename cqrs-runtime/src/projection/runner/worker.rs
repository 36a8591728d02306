//! The runner's loop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::change::Change;
use super::group::{ASKS, Build, ProjectionGroup, built};
use super::progress::ProgressTable;
use super::scan::{Batch, Pass, passes};
use super::{FirstLook, Partitions, Request, Timing};
use crate::projection::partition::Partition;
use crate::projection::{Engine, ProjectionInfo};
use crate::telemetry::spans;
use cqrs_core::log::{EventLog, EventQuery, Page};
use cqrs_core::panics::unpanicked;
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Lease, ViewStore};

/// The pauses after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How often the store is asked whether another process has finished a rebuild.
const LOOK: Duration = Duration::from_millis(50);

/// How long the end of an app waits for the store to release its leases.
const LAST_WORD: Duration = Duration::from_secs(1);

/// How many pages read ahead are kept, at most one per pass.
const MOST_AHEAD: usize = 4;

pub(super) struct Worker {
    pub(super) groups: Vec<ProjectionGroup>,
    /// What partitions are made from.
    pub(super) projections: Vec<&'static ProjectionInfo>,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) store: Arc<dyn ViewStore>,
    pub(super) progress_table: Arc<ProgressTable>,
    /// The log's end, as far as this process knows.
    head: watch::Receiver<Position>,
    inbox: mpsc::Receiver<Request>,
    pub(super) timing: Timing,
    /// Identifies this runner among those of other processes.
    pub(super) owner: String,
    /// The position up to which the log was read to its end.
    seen: Position,
    /// The log's losses that were known when the round began: see `Head::losses`.
    losses: u64,
    /// Pages that were read while the page before was folded.
    pub(super) ahead: Vec<(EventQuery, Position, Page)>,
    /// Whether the read database is known to be of this log.
    pub(super) knows_origin: bool,
    /// The error, if it is another log's.
    pub(super) foreign: Option<StoreError>,
}

impl Worker {
    #[allow(clippy::too_many_arguments, reason = "all that a runner starts with")]
    pub(super) fn new(
        groups: impl Iterator<Item = (Engine, Engine)>,
        projections: &[&'static ProjectionInfo],
        split: &Partitions,
        log: Arc<dyn EventLog>,
        store: Arc<dyn ViewStore>,
        progress_table: Arc<ProgressTable>,
        head: watch::Receiver<Position>,
        inbox: mpsc::Receiver<Request>,
        timing: Timing,
    ) -> Self {
        let number = |live: &Engine| live.projections().first().and_then(|name| split.get(name)).copied().unwrap_or(1);
        let wholes = groups.map(|(live, shadow)| {
            let number = number(&live);
            ProjectionGroup::new(live, shadow, number)
        });
        let mut worker = Self {
            groups: wholes.collect(),
            projections: projections.to_vec(),
            log,
            store,
            progress_table,
            head,
            inbox,
            timing,
            owner: uuid::Uuid::now_v7().to_string(),
            seen: Position::START,
            losses: 0,
            ahead: Vec::new(),
            knows_origin: false,
            foreign: None,
        };
        for keeper in 0..worker.groups.len() {
            let whole = &worker.groups[keeper];
            let number = whole.partitions.split;
            let parts: Vec<ProjectionGroup> = Partition::all(number)
                .filter(|_| number > 1)
                .map(|part| worker.make_partition(whole, keeper, part))
                .collect();
            worker.groups.extend(parts);
        }
        worker
    }

    /// Creates a partition of a single projection.
    pub(super) fn make_partition(&self, whole: &ProjectionGroup, keeper: usize, part: Partition) -> ProjectionGroup {
        let own: Vec<_> =
            self.projections.iter().copied().filter(|info| whole.projections.contains(&info.name)).collect();
        // A single projection has no circle.
        let engine = || Engine::new(&own).unwrap_or_default();
        ProjectionGroup::part(engine(), engine(), part, keeper)
    }

    /// Works until the sender of `end` is dropped.
    pub(super) async fn run(mut self, mut end: oneshot::Receiver<()>, looked: FirstLook) {
        let mut looked = Some(looked);
        loop {
            let done = tokio::select! {
                biased;
                _ = &mut end => break,
                done = unpanicked(self.work(&mut looked)) => done,
            };
            let Err(panic) = done else { break };
            let reason = format!("it panicked: {panic}");
            let error = StoreError::Failed { store: self.store.describe(), reason };
            for place in 0..self.groups.len() {
                self.fail(&[place], &error);
            }
        }
        let leases: Vec<Lease> = self.groups.into_iter().flat_map(ProjectionGroup::into_leases).collect();
        if !leases.is_empty() {
            // If the store does not hear of it, they expire.
            let _ = tokio::time::timeout(LAST_WORD, self.store.release(&leases)).await;
        }
    }

    async fn work(&mut self, looked: &mut Option<FirstLook>) {
        loop {
            self.ask_for_leases().await;
            while let Ok(request) = self.inbox.try_recv() {
                self.serve(request);
            }
            self.start_requests().await;
            let moved = self.round().await | self.replay().await | self.change().await;
            self.switch().await;
            self.answer().await;
            if let Some(looked) = looked.take() {
                let _ = looked.send(self.foreign.take());
            }
            if moved {
                tokio::task::yield_now().await;
            } else if let Some(request) = self.idle().await {
                self.serve(request);
            }
        }
    }

    /// Waits until there may be something to do.
    async fn idle(&mut self) -> Option<Request> {
        let watches = self.groups.iter().any(ProjectionGroup::is_watched);
        let look_at = watches.then(|| Instant::now() + LOOK);
        let wake_at = self.groups.iter().map(|group| group.leases.ask_at).chain(look_at).min();
        let follows = self.groups.iter().any(runs);
        let due = async {
            match wake_at {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(request) = self.inbox.recv() => Some(request),
            () = due => None,
            () = self.log.changed(self.seen), if follows => None,
            Ok(()) = self.head.changed(), if follows => None,
        }
    }

    pub(super) async fn learn(&mut self, place: usize) {
        let group = &mut self.groups[place];
        let learnt = match group.learn(&*self.store, &*self.log).await {
            Ok(()) => self.require_history(place).await,
            Err(error) => Err(error),
        };
        let group = &mut self.groups[place];
        match learnt {
            Ok(())
                if group.partitions.part.is_some()
                    && group.builds.live_at.is_none()
                    && group.builds.shadow_at.is_none() =>
            {
                // The partition does not exist any more.
                group.partitions.may_ask = false;
                self.leave(place).await;
            }
            Ok(()) if !group.is_to_be_asked_for() => {
                // Its partitions run instead.
                group.leases.ask_at = Instant::now();
                self.leave(place).await;
            }
            Ok(()) => {
                if group.partitions.change.is_some() || group.partitions.split > 1 {
                    group.leases.ask_at = Instant::now();
                }
                self.show(place);
            }
            Err(error) => self.fail(&[place], &error),
        }
    }

    /// Publishes the state of a group.
    pub(super) fn show(&self, place: usize) {
        let group = &self.groups[place];
        if let Some((part, _)) = group.partitions.part {
            self.progress_table.change_partition(group.projections[0], part, |progress| {
                (progress.reached, progress.shadow, progress.held) =
                    (position(group.builds.live_at), position(group.builds.shadow_at), true);
                (progress.failures, progress.compared) = (group.failures, self.losses);
                progress.error = progress.error.take().filter(|_| group.failures > 0);
            });
            return;
        }
        if group.manages_partitions() && group.builds.live_at.is_none() {
            // Its partitions report their own state.
            return;
        }
        self.progress_table.change(&group.projections, |progress| {
            progress.parts.clear();
            (progress.reached, progress.shadow) = (position(group.builds.live_at), position(group.builds.shadow_at));
            (progress.elsewhere, progress.compared) = (false, self.losses);
            if group.lost.is_some() {
                progress.withdraw(group.lost.as_ref());
            }
            progress.failures = group.failures;
            progress.error = progress.error.take().filter(|_| group.failures > 0);
        });
    }

    /// Records a failure. Groups that failed together are tried one by one at once; one that failed alone waits.
    pub(super) fn fail(&mut self, places: &[usize], error: &StoreError) {
        let together = places.len() > 1;
        for &place in places {
            let group = &mut self.groups[place];
            group.failures += 1;
            group.alone |= together;
            group.leases.held.clear();
            group.operator.refuse(&error.clone().into());
            group.partitions.abandon();
            let pause = FIRST_PAUSE.saturating_mul(1 << (group.failures - 1).min(16)).min(LONGEST_PAUSE);
            group.leases.ask_at = Instant::now() + if together { Duration::ZERO } else { pause };
            let (failures, text) = (group.failures, error.to_string());
            tracing::warn!(projections = ?group.projections, failures, error = text, "projection failed; retrying");
            if let Some((part, _)) = group.partitions.part {
                self.progress_table.change_partition(group.projections[0], part, |progress| {
                    (progress.reached, progress.failures, progress.error) = (None, failures, Some(text.clone()));
                });
                self.progress_table.change(&group.projections, |progress| progress.recorder.failed());
                continue;
            }
            let has_parts = group.manages_partitions();
            self.progress_table.change(&group.projections, |progress| {
                if !has_parts {
                    progress.reached = None;
                }
                (progress.failures, progress.error) = (failures, Some(text.clone()));
                progress.recorder.failed();
            });
        }
    }

    /// Gives each pass one page. Returns whether any made progress.
    async fn round(&mut self) -> bool {
        self.head.borrow_and_update();
        let losses = self.progress_table.losses();
        if losses > self.losses {
            // Pages that were read ahead may contain lost events.
            self.ahead.clear();
            self.losses = losses;
        }
        let mut moved = false;
        for pass in passes(&self.groups, self.timing.batch as u64, runs) {
            let batches = pass.batches(&self.groups);
            let results = match self.step(&pass, &batches).await {
                Ok(results) => results,
                // The log could not be read, which concerns all of them.
                Err(error) => vec![(pass.places(), Err(error))],
            };
            for (places, result) in results {
                match result {
                    Ok(got_on) => {
                        moved |= got_on;
                        for &place in &places {
                            (self.groups[place].failures, self.groups[place].alone) = (0, false);
                            self.show(place);
                        }
                    }
                    Err(error) => {
                        self.fail(&places, &error);
                        moved |= places.len() > 1;
                    }
                }
            }
        }
        moved
    }

    /// Gives a pass one page. Returns for each batch whether it made progress.
    async fn step(&mut self, pass: &Pass, batches: &[Batch]) -> Result<Vec<Stepped>, StoreError> {
        let page = match self.ahead.iter().position(|(query, after, _)| *after == pass.after && *query == pass.query) {
            Some(place) => self.ahead.swap_remove(place).2,
            None => self.log.read(&pass.query, pass.after, self.timing.batch).await?,
        };
        let page = Arc::new(page);
        let lost = self.lost_tracks(pass, &page).await?;
        if !lost.is_empty() {
            self.seen = Position::START;
            for place in pass.places() {
                let builds: Vec<Build> =
                    lost.iter().filter(|(lost, _)| *lost == place).map(|(_, build)| *build).collect();
                self.heal(place, &builds).await?;
            }
            return Ok(vec![(Vec::new(), Ok(true))]);
        }
        if !page.more {
            self.seen = page.up_to;
            for (place, _) in pass.tracks.iter().filter(|(_, build)| *build == Build::Shadow) {
                self.groups[*place].builds.shadow_saw_end = true;
            }
        }
        if page.up_to <= pass.after {
            return Ok(batches.iter().map(|batch| (batch.places(), Ok(false))).collect());
        }
        if !self.knows_origin {
            let first =
                pass.tracks.first().map(|(place, _)| self.groups[*place].leases.held.clone()).unwrap_or_default();
            self.remember_origin(&first).await?;
        }
        let read = async {
            if page.more { Some(self.log.read(&pass.query, page.up_to, self.timing.batch).await) } else { None }
        };
        let span =
            spans::page(pass.tracks.iter().flat_map(|(place, _)| &self.groups[*place].projections), pass.after, &page);
        // The next page is read while this one is folded.
        let (next, folded) = tokio::join!(biased; read, self.fold(batches, pass.after, &page).instrument(span));
        // A read that failed is repeated in its own turn, which reports the failure.
        if let Some(Ok(next)) = next {
            if self.ahead.len() == MOST_AHEAD {
                self.ahead.remove(0);
            }
            self.ahead.push((pass.query.clone(), page.up_to, next));
        }
        let mut results = Vec::new();
        for (batch, folded) in batches.iter().zip(folded) {
            let moved = match folded {
                Ok(stopped) => self.moved(batch, &stopped, &page).await,
                Err(error) => Err(error),
            };
            results.push((batch.places(), moved.map(|()| true)));
        }
        Ok(results)
    }

    /// Records what a page has done to a batch.
    async fn moved(&mut self, batch: &Batch, stopped: &[usize], page: &Page) -> Result<(), StoreError> {
        for (place, build) in batch.0.iter().filter(|(place, _)| !stopped.contains(place)) {
            let group = &mut self.groups[*place];
            let at = if *build == Build::Live { &mut group.builds.live_at } else { &mut group.builds.shadow_at };
            let before = at.unwrap_or_default().position;
            *at = at.map(|at| if page.up_to > at.position { page.end() } else { at });
            // An event that is read once counts once, however many partitions a projection has.
            if group.partitions.part.is_none_or(|(part, _)| part.index == 0) {
                self.progress_table.folded(&group.projections, *build == Build::Shadow, before, page);
            }
            if let (Some((_, keeper)), Build::Shadow) = (group.partitions.part, build) {
                // The view may have waited for this partition alone.
                let soon = Instant::now() + self.timing.lease / ASKS;
                self.groups[keeper].leases.ask_at = self.groups[keeper].leases.ask_at.min(soon);
            }
        }
        for place in stopped {
            self.groups[*place].learn(&*self.store, &*self.log).await?;
        }
        Ok(())
    }

    /// Folds a page: each batch in a transaction of its own, several at once. Returns the groups of async projections that did not
    /// reach its end.
    async fn fold(&self, batches: &[Batch], after: Position, page: &Arc<Page>) -> Vec<Result<Vec<usize>, StoreError>> {
        let work = |batch: &Batch| {
            let engine = |(place, build): &(usize, Build)| (*place, Arc::clone(self.groups[*place].engine(*build)));
            Work {
                store: Arc::clone(&self.store),
                leases: batch
                    .places()
                    .into_iter()
                    .flat_map(|place| self.groups[place].leases.held.iter().cloned())
                    .collect(),
                engines: batch.0.iter().map(engine).collect(),
                after,
                page: Arc::clone(page),
            }
        };
        if let [batch] = batches {
            return vec![work(batch).fold().await];
        }
        // The tasks end with this future, if the app is dropped.
        let mut tasks = JoinSet::new();
        for (number, batch) in batches.iter().enumerate() {
            let work = work(batch);
            tasks.spawn(async move { (number, work.fold().await) });
        }
        let panicked = || StoreError::Failed { store: self.store.describe(), reason: "folding a page panicked".into() };
        let mut results: Vec<_> = batches.iter().map(|_| Err(panicked())).collect();
        while let Some(joined) = tasks.join_next().await {
            if let Ok((number, result)) = joined {
                results[number] = result;
            }
        }
        results
    }

    /// Makes finished shadow builds live.
    async fn switch(&mut self) {
        for place in 0..self.groups.len() {
            let group = &self.groups[place];
            if !runs(group) || group.partitions.part.is_some() || !group.builds.may_switch() {
                continue;
            }
            if group.partitions.seen.is_split() {
                // The live rows are partitioned, from before the projection looked others up: no process may run them until then.
                let group = &mut self.groups[place];
                if group.partitions.change.is_none() {
                    (group.partitions.change, group.leases.ask_at) = (Some(Change::Switch), Instant::now());
                }
                continue;
            }
            match self.replace(place).await {
                Ok(()) => {
                    let group = &mut self.groups[place];
                    group.builds.live_at = group.builds.shadow_at.take();
                    group.lost = None;
                    let at = group.builds.live_at.unwrap_or_default().position;
                    tracing::info!(projections = ?group.projections, position = %at, "rebuild finished; new rows are live");
                    self.show(place);
                }
                Err(error) => self.fail(&[place], &error),
            }
        }
    }

    async fn replace(&self, place: usize) -> Result<(), StoreError> {
        let group = &self.groups[place];
        let mut tx = self.store.begin(&group.leases.held).await?;
        for (live, shadow) in group.places() {
            tx.replace(live, shadow).await?;
            tx.set_checkpoints(&[built(live)]).await?;
        }
        tx.commit().await
    }
}

/// The groups of a batch, and whether they made progress.
type Stepped = (Vec<usize>, Result<bool, StoreError>);

/// A page to be folded in one transaction.
struct Work {
    store: Arc<dyn ViewStore>,
    leases: Vec<Lease>,
    engines: Vec<(usize, Arc<Engine>)>,
    /// The position that the page begins after.
    after: Position,
    page: Arc<Page>,
}

impl Work {
    async fn fold(self) -> Result<Vec<usize>, StoreError> {
        let mut stopped = Vec::new();
        let mut tx = self.store.begin(&self.leases).await?;
        for (place, engine) in &self.engines {
            if !engine.apply(&mut *tx, self.after, &self.page.events, self.page.end()).await? {
                stopped.push(*place);
            }
        }
        tx.commit().await?;
        Ok(stopped)
    }
}

fn position(at: Option<Bookmark>) -> Option<Position> {
    at.map(|at| at.position)
}

/// Whether a group follows the log at present.
fn runs(group: &ProjectionGroup) -> bool {
    group.leases.is_held()
        && !group.paused
        && !group.parked
        && group.operator.replay.is_none()
        && group.partitions.gathered.is_none()
}
