//! Keeps the projections of level 1 near the log's head, in the background.
//!
//! A projection that is too far behind for a command's transaction is built in pages. The events are read without the log's lock.
//! Each page is folded in a short transaction of its own, and then other transactions run. Several processes of one version may
//! do this at once: a page is folded only from the checkpoint's position, so no event is folded twice.
//!
//! A shadow build, begun by [`App::rebuild`](crate::App::rebuild), advances in the same way until it is near the head. Then one
//! transaction brings it to the head and replaces the live rows with it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::{Inline, is_near};
use crate::model::consistency::After;
use crate::model::error::{NotBuilt, NotYet, QueryError};
use crate::projection::runner::place_shadow;
use crate::projection::{Engine, Head, PAGE, ProjectionInfo};
use crate::telemetry::Recorder;
use cqrs_core::log::{EventLog, EventQuery, LogTransaction};
use cqrs_core::position::Position;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Checkpoint, Generation, ViewStore};

/// How often it checks whether other processes have appended events.
const LOOK: Duration = Duration::from_millis(200);

/// The longest pause after a page.
///
/// The pause is as long as the page took, so that commands can hold the log's lock half of the time.
const LONGEST_TURN: Duration = Duration::from_millis(50);

/// The pauses after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// After this many failures in a row, waiting callers get the error.
const GIVES_UP: u32 = 5;

/// The pauses of a query that waits for an event which is not there yet.
const FIRST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// How long a query waits for a view that was near the head before and has fallen behind other processes.
const WAITS: Duration = Duration::from_secs(5);

/// Projections that look each other up, or a single one.
pub(super) struct Group {
    pub(super) live: Arc<Engine>,
    /// The shadow build of the same projections.
    pub(super) shadow: Arc<Engine>,
}

impl Group {
    /// Both builds of each view.
    pub(super) fn places(&self) -> Vec<(Generation, Generation)> {
        self.live.places().zip(self.shadow.places()).collect()
    }
}

/// Keeps the projections of level 1 near the head. Its task ends when this is dropped.
pub(crate) struct Follower {
    shared: Arc<Shared>,
    task: AbortHandle,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl std::ops::Deref for Follower {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// The state that the task and its callers share.
pub(crate) struct Shared {
    pub(super) inline: Arc<Inline>,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) store: Arc<dyn ViewStore>,
    pub(super) groups: Vec<Group>,
    pub(super) recorder: Recorder,
    head: Arc<Head>,
    /// Wakes the task.
    pub(super) wake: Notify,
    /// Held by the one query that catches up for all.
    catching: tokio::sync::Mutex<()>,
    /// The number of losses of the log that it has handled.
    losses: AtomicU64,
    /// The number of failures in a row, and the last error.
    failed: Mutex<(u32, Option<StoreError>)>,
}

/// The result of one step.
enum Step {
    /// There is nothing to do.
    Rests,
    /// A page was folded, and held the log's lock for this long.
    Moved(Duration),
}

impl Follower {
    /// Starts the task.
    ///
    /// # Errors
    /// The names of projections that look each other up in a circle.
    pub(crate) fn start(
        projections: &[&'static ProjectionInfo],
        inline: Arc<Inline>,
        log: Arc<dyn EventLog>,
        store: Arc<dyn ViewStore>,
        head: Arc<Head>,
        recorder: Recorder,
    ) -> Result<Self, String> {
        let engines = Engine::groups(projections)?.into_iter().zip(Engine::groups(projections)?);
        let group = |(live, shadow): (Engine, Engine)| Group {
            live: Arc::new(live),
            shadow: Arc::new(shadow.placed(place_shadow)),
        };
        let shared = Arc::new(Shared {
            inline,
            log,
            store,
            groups: engines.map(group).collect(),
            recorder,
            head,
            wake: Notify::new(),
            catching: tokio::sync::Mutex::default(),
            losses: AtomicU64::new(0),
            failed: Mutex::default(),
        });
        let task = tokio::spawn(Arc::clone(&shared).run()).abort_handle();
        Ok(Self { shared, task })
    }
}

impl Shared {
    async fn run(self: Arc<Self>) {
        loop {
            let stepped = self.step().await;
            if stepped.is_ok() {
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = (0, None);
            }
            let (pause, rests) = match stepped {
                Ok(Step::Moved(took)) => (took.min(LONGEST_TURN), false),
                Ok(Step::Rests) => (LOOK, true),
                Err(error) => (self.fail(error), false),
            };
            if rests {
                let _ = tokio::time::timeout(pause, self.wake.notified()).await;
            } else {
                tokio::time::sleep(pause).await;
            }
        }
    }

    fn fail(&self, error: StoreError) -> Duration {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.0 = failed.0.saturating_add(1);
        tracing::warn!(failures = failed.0, %error, "building the views failed: retrying");
        failed.1 = Some(error);
        let pause = FIRST_PAUSE.saturating_mul(1 << (failed.0 - 1).min(16)).min(LONGEST_PAUSE);
        drop(failed);
        self.inline.moved.send_replace(());
        pause
    }

    /// The last error, if it keeps failing.
    pub(crate) fn error(&self) -> Option<StoreError> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.1.clone().filter(|_| failed.0 >= GIVES_UP)
    }

    /// Folds one page of the build that is furthest behind.
    async fn step(&self) -> Result<Step, StoreError> {
        let head = self.log.head().await?;
        // Check whether the log has lost events.
        self.head.reaches(self.head.get(), &*self.log).await?;
        if self.inline.is_beyond(head) || self.losses.swap(self.head.losses(), Ordering::SeqCst) < self.head.losses() {
            self.catch_up().await?;
        }
        let mut behind: Option<(Position, &Engine, bool)> = None;
        for group in &self.groups {
            let live = self.look(&group.live, head).await?;
            let shadow = self.look_at_shadow(group).await?;
            if let Some(at) = shadow.filter(|at| is_near(*at, head)) {
                let started = Instant::now();
                if self.switch(group, at).await? {
                    return Ok(Step::Moved(started.elapsed()));
                }
            }
            let live = live.filter(|at| !is_near(*at, head)).map(|at| (at, &*group.live, false));
            let shadow = shadow.map(|at| (at, &*group.shadow, true));
            behind = behind.into_iter().chain(live).chain(shadow).min_by_key(|(at, ..)| *at);
        }
        match behind {
            Some((after, engine, is_shadow)) => self.page(engine, after, is_shadow).await,
            None => Ok(Step::Rests),
        }
    }

    /// The position of a live build. `None` if it is parked as a whole.
    async fn look(&self, engine: &Engine, head: Position) -> Result<Option<Position>, StoreError> {
        let mut lowest = None;
        for name in engine.names() {
            let at = self.store.checkpoint(name).await?.map(|checkpoint| checkpoint.position).unwrap_or_default();
            self.inline.learn([(*name, at)], head);
            lowest = Some(lowest.map_or(at, |lowest: Position| lowest.min(at)));
        }
        if !engine.has_handles() {
            return Ok(lowest);
        }
        let parked = engine.parked_in(&*self.store).await?;
        let waits = parked.iter().any(|entry| entry.key.is_empty() && engine.names().contains(&&*entry.projection));
        for name in engine.names() {
            self.inline.lock().entry(name).and_modify(|known| known.parked = waits);
        }
        Ok(lowest.filter(|_| !waits))
    }

    async fn look_at_shadow(&self, group: &Group) -> Result<Option<Position>, StoreError> {
        let mut lowest = None;
        for (live, shadow) in group.places() {
            let at = self.store.checkpoint(shadow.projection).await?.map(|checkpoint| checkpoint.position);
            if let Some(known) = self.inline.lock().get_mut(live.projection) {
                known.shadow = at;
            }
            lowest = lowest.max(at);
        }
        Ok(lowest)
    }

    /// Folds a page after `after`.
    async fn page(&self, engine: &Engine, after: Position, is_shadow: bool) -> Result<Step, StoreError> {
        let names: Vec<&str> = engine.events().into_iter().collect();
        let page = self.log.read(&EventQuery::named(&names), after, PAGE).await?;
        let mut tx = self.log.begin().await?;
        let (started, head) = (Instant::now(), tx.head());
        let Some(views) = tx.views() else { return Ok(Step::Rests) };
        let known = views.checkpoints(engine.names()).await?;
        // Another process may have folded this page, or may have made the shadow build live.
        let is_new = |known: Option<Checkpoint>| known.is_none() && !is_shadow && after == Position::START;
        if known.into_iter().any(|known| known.is_some_and(|known| known.position == after) || is_new(known)) {
            engine.apply(views, after, &page.events, page.end()).await?;
            let reached = self.inline.reached(&mut *tx).await?;
            tx.commit().await?;
            self.recorder.folded(&page.events);
            self.inline.learn(reached, head);
        }
        Ok(Step::Moved(started.elapsed()))
    }

    /// Replaces the live rows with a shadow build. Returns `false` if another process has already done it.
    async fn switch(&self, group: &Group, after: Position) -> Result<bool, StoreError> {
        let mut tx = self.log.begin().await?;
        let head = tx.head();
        let mut after = after;
        if !self.has_shadow(&mut *tx, group).await? {
            return Ok(false);
        }
        while after < head {
            let page = tx.read(&EventQuery::all(), after, PAGE).await?;
            let Some(views) = tx.views().filter(|_| !page.events.is_empty()) else { break };
            group.shadow.apply(views, after, &page.events, page.end()).await?;
            self.recorder.folded(&page.events);
            after = page.up_to;
        }
        let Some(views) = tx.views() else { return Ok(false) };
        for (live, shadow) in group.places() {
            views.replace(live, shadow).await?;
        }
        let reached = self.inline.reached(&mut *tx).await?;
        tx.commit().await?;
        tracing::info!(projections = ?group.live.projections(), position = %head, "rebuild finished; new rows are live");
        self.inline.learn(reached, head);
        Ok(true)
    }

    pub(super) async fn has_shadow(&self, tx: &mut dyn LogTransaction, group: &Group) -> Result<bool, StoreError> {
        let Some(views) = tx.views() else { return Ok(false) };
        let names: Vec<_> = group.shadow.places().map(|place| place.projection).collect();
        Ok(!names.is_empty() && views.checkpoints(&names).await?.iter().all(Option::is_some))
    }

    /// Folds the events that others have appended, in one transaction. Returns the log's head.
    pub(crate) async fn catch_up(&self) -> Result<Position, StoreError> {
        let mut tx = self.log.begin().await?;
        let head = tx.head();
        // If the log has lost events, the projections that show them are cleared.
        let is_lost = self.head.learn(tx.last().await?) || self.inline.is_beyond(head);
        let moved = self.inline.catch_up(&mut *tx, &self.recorder).await?;
        let reached = self.inline.reached(&mut *tx).await?;
        if moved || is_lost {
            tx.commit().await?;
        }
        if is_lost {
            self.inline.withdraw();
        }
        self.inline.learn(reached, head);
        Ok(head)
    }

    /// Waits until all projections are near the head, at most for `within`. Then folds the missing events.
    pub(crate) async fn settle(&self, within: Duration) -> Result<(), StoreError> {
        let mut moved = self.inline.moved.subscribe();
        let near = async {
            loop {
                moved.borrow_and_update();
                if self.inline.lock().values().all(|known| known.built || known.parked) {
                    return;
                }
                let _ = moved.changed().await;
            }
        };
        self.catch_up().await?;
        if tokio::time::timeout(within, near).await.is_ok() {
            self.catch_up().await?;
        }
        Ok(())
    }

    /// The projection of `wanted` that is furthest behind.
    fn lowest(&self, wanted: Wanted) -> Option<super::Known> {
        let known = self.inline.lock();
        let wanted = known.values().filter(|known| wanted.is_of(known.projection, known.view) && !known.parked);
        wanted.min_by_key(|known| known.reached).copied()
    }

    /// Waits until the rows include every event that is in the log now, and the events up to `after`.
    ///
    /// # Errors
    /// [`QueryError::NotBuilt`] if too many events are missing, [`QueryError::NotYet`] if the event does not arrive in time.
    pub(crate) async fn wait(&self, wanted: Wanted, after: Option<After>) -> Result<(), QueryError> {
        let started = Instant::now();
        let deadline = started + after.map_or(WAITS, |after| after.within);
        let mut pause = FIRST_WAIT;
        let mut moved = self.inline.moved.subscribe();
        let mut head = self.log.head().await?;
        let now = head;
        loop {
            moved.borrow_and_update();
            let Some(lowest) = self.lowest(wanted) else { return Ok(()) };
            let asked = after.map_or(now, |after| after.position.max(now));
            if lowest.reached >= asked && lowest.reached <= head {
                return Ok(());
            }
            let is_late = Instant::now() >= deadline;
            if lowest.reached > head {
                // The log was restored or has failed over. The rows show events that it no longer holds.
                self.catch_up().await?;
                head = self.log.head().await?;
                continue;
            }
            let view = lowest.view.unwrap_or(lowest.projection);
            if !is_near(lowest.reached, head) {
                if is_late || (after.is_none() && !lowest.built) {
                    return Err(QueryError::NotBuilt(NotBuilt { view, position: lowest.reached, of: head }));
                }
                if let Some(error) = self.error() {
                    return Err(error.into());
                }
                self.wake.notify_one();
                let _ = tokio::time::timeout_at(deadline.into(), moved.changed()).await;
            } else if lowest.reached < head {
                let turn = tokio::time::timeout_at(deadline.into(), self.catching.lock()).await;
                // Another query may have caught up for this one.
                if turn.is_ok() && self.lowest(wanted).is_some_and(|lowest| lowest.reached < head) {
                    self.catch_up().await?;
                    let lowest = self.lowest(wanted);
                    if lowest.is_some_and(|lowest| lowest.reached < head && is_near(lowest.reached, head)) {
                        // An async projection is parked. Its queries read the existing rows.
                        return Ok(());
                    }
                }
            } else if is_late {
                let (reached, wanted) = (lowest.reached, asked);
                let or_stale = after.is_some_and(|after| after.or_stale);
                return if or_stale { Ok(()) } else { Err(QueryError::NotYet(NotYet { view, reached, wanted })) };
            } else {
                tokio::time::sleep(pause.min(deadline.saturating_duration_since(Instant::now()))).await;
                pause = (pause * 2).min(LONGEST_WAIT);
            }
            head = self.log.head().await?;
        }
    }

    /// Returns an error if a view is not built.
    pub(crate) fn require_built(&self, view: &'static str) -> Result<(), QueryError> {
        match self.lowest(Wanted::View(view)) {
            Some(known) if !known.built => {
                let (position, of) = (known.reached, self.head.get().max(known.reached));
                Err(QueryError::NotBuilt(NotBuilt { view, position, of }))
            }
            _ => Ok(()),
        }
    }

    /// The first view, or async projection's tables, that is not built.
    pub(crate) fn first_not_built(&self) -> Option<NotBuilt> {
        let known = self.inline.lock();
        let not_built =
            known.values().find(|known| !known.built && (known.view.is_some() || !known.parked)).copied()?;
        let (view, position) = (not_built.view.unwrap_or(not_built.projection), not_built.reached);
        Some(NotBuilt { view, position, of: self.head.get().max(position) })
    }

    /// The known progress of a projection.
    pub(crate) fn get(&self, projection: &str) -> Option<super::Known> {
        self.inline.get(projection)
    }
}

/// The projections whose rows are read.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// The projection of this view.
    View(&'static str),
    /// The projection of this name.
    Projection(&'static str),
    /// All async projections, which fill tables.
    Tables,
    /// All projections.
    All,
}

impl Wanted {
    /// Returns whether it includes the projection of this name and view.
    pub(crate) fn is_of(self, projection: &str, view: Option<&str>) -> bool {
        match self {
            Self::View(wanted) => view == Some(wanted),
            Self::Projection(wanted) => projection == wanted,
            Self::Tables => view.is_none(),
            Self::All => true,
        }
    }
}
