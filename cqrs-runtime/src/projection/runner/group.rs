//! Projections that share a position, and their state.

use std::sync::Arc;
use std::time::Instant;

use super::change::{Change, Partitioning, Seen};
use super::pending::{OperatorRequests, Rebuilt};
use crate::model::error::OperationError;
use crate::projection::Engine;
use crate::projection::generation::goal_of;
use crate::projection::partition::{Partition, Stored, kept};
use cqrs_core::log::EventLog;
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Checkpoint, Generation, Lease, Parked, ViewShape, ViewStore};

/// How often a waiting process asks for a projection within one lease. The holder renews three times in it.
pub(super) const ASKS: u32 = 12;

/// Suffix of the names of a view and its projection during a shadow build.
const SHADOW: &str = "@next";

/// Suffix of the lease by which a process asks the others to release a projection.
const WANTED: &str = "@wanted";

/// Makes the fingerprint of a shadow build differ from that of the live build of the same shape.
const FINGERPRINT: u64 = 0x6E65_7874_6E65_7874;

/// Makes the fingerprint of rows that show lost events differ from that of rows that may be read.
const WITHDRAWN: u64 = 0x6C6F_7374_6C6F_7374;

/// One build of a group's views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Build {
    /// The build that is read.
    Live,
    /// The shadow build, which will replace it.
    Shadow,
}

/// Projections that look each other up, or a single one.
pub(super) struct ProjectionGroup {
    pub(super) live: Arc<Engine>,
    pub(super) shadow: Arc<Engine>,
    /// Its projections.
    pub(super) projections: Vec<&'static str>,
    /// The names of the checkpoints and leases of the whole projections.
    pub(super) stored: Vec<&'static str>,
    pub(super) builds: Builds,
    pub(super) leases: Leases,
    pub(super) partitions: Partitioning,
    pub(super) operator: OperatorRequests,
    /// Why its rows must be rebuilt, if they show events that the log has lost.
    pub(super) lost: Option<String>,
    pub(super) paused: bool,
    /// An async projection whose next event failed.
    pub(super) parked: bool,
    pub(super) failures: u32,
    /// Whether it runs in a pass of its own, after a failure in a pass with others.
    pub(super) alone: bool,
}

/// A group's leases.
pub(super) struct Leases {
    /// The leases that allow this process to run the group. Empty while another process holds them, and after a failure until they
    /// are granted again.
    pub(super) held: Vec<Lease>,
    /// The leases that the store granted last, to be released at the end.
    pub(super) granted: Vec<Lease>,
    /// The leases by which this process asks the others to release it.
    pub(super) wanted: Vec<Lease>,
    /// When to ask for the leases again.
    pub(super) ask_at: Instant,
}

impl Leases {
    pub(super) fn new() -> Self {
        Self { held: Vec::new(), granted: Vec::new(), wanted: Vec::new(), ask_at: Instant::now() }
    }

    /// Whether this process runs the group, or could.
    pub(super) fn is_held(&self) -> bool {
        !self.held.is_empty()
    }
}

/// The positions of a group's two builds.
#[derive(Debug, Default)]
pub(super) struct Builds {
    /// The position of the live build, if it has this program's shape and is followed.
    pub(super) live_at: Option<Bookmark>,
    /// The position of the shadow build, if there is one.
    pub(super) shadow_at: Option<Bookmark>,
    /// Whether the shadow build has reached the log's end.
    pub(super) shadow_saw_end: bool,
}

impl Builds {
    pub(super) fn at(&self, build: Build) -> Option<Bookmark> {
        match build {
            Build::Live => self.live_at,
            Build::Shadow => self.shadow_at,
        }
    }

    /// Whether the shadow build has come far enough to replace the live one.
    pub(super) fn may_switch(&self) -> bool {
        match (self.live_at, self.shadow_at) {
            (Some(live), Some(shadow)) => shadow.position >= live.position,
            (None, Some(_)) => self.shadow_saw_end,
            (_, None) => false,
        }
    }

    /// Forgets both positions, until they are read from the store again.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl ProjectionGroup {
    pub(super) fn new(live: Engine, shadow: Engine, split: u32) -> Self {
        Self {
            projections: live.projections(),
            stored: live.names().to_vec(),
            live: Arc::new(live),
            shadow: Arc::new(shadow.placed(place_shadow)),
            builds: Builds::default(),
            leases: Leases::new(),
            partitions: Partitioning::new(split),
            operator: OperatorRequests::default(),
            lost: None,
            paused: false,
            parked: false,
            failures: 0,
            alone: false,
        }
    }

    /// A partition of the single projection in these engines.
    pub(super) fn part(live: Engine, shadow: Engine, part: Partition, keeper: usize) -> Self {
        let whole = Self::new(live, shadow, 1);
        let engine =
            |engine: Arc<Engine>| Arc::new(Arc::into_inner(engine).map(|whole| whole.part(part)).unwrap_or_default());
        let (live, shadow) = (engine(whole.live), engine(whole.shadow));
        let partitions = Partitioning { part: Some((part, keeper)), may_ask: false, ..whole.partitions };
        Self { live, shadow, partitions, ..whole }
    }

    /// The names of its checkpoints and leases.
    pub(super) fn names(&self) -> &[&'static str] {
        self.live.names()
    }

    /// Its projections, for a message.
    pub(super) fn projection(&self) -> String {
        joined(&self.projections)
    }

    /// The names of the leases by which others learn that it is wanted.
    pub(super) fn wanted_names(&self) -> Vec<&'static str> {
        self.names().iter().map(|name| kept(format!("{name}{WANTED}"))).collect()
    }

    /// The names of the leases by which this process learns that it is wanted: a wanted projection means each of its partitions.
    pub(super) fn heeded_names(&self) -> Vec<&'static str> {
        let mut names = self.wanted_names();
        if self.partitions.part.is_some() {
            names.extend(self.stored.iter().map(|name| kept(format!("{name}{WANTED}"))));
        }
        names
    }

    /// Whether it manages the partitions of a projection.
    pub(super) fn manages_partitions(&self) -> bool {
        self.partitions.part.is_none()
            && self.names().len() == 1
            && (self.partitions.split > 1 || self.partitions.seen.is_split())
    }

    /// Whether other processes must release all partitions for the pending change.
    pub(super) fn forces(&self) -> bool {
        let is_asked_for = || self.lost.is_some() || self.operator.want_rebuild();
        match self.partitions.change {
            Some(Change::Switch) => true,
            Some(Change::Rebuild) => is_asked_for(),
            Some(Change::Split) | None => false,
        }
    }

    /// Whether a caller waits for something that another process may finish.
    pub(super) fn is_watched(&self) -> bool {
        !self.operator.waiting.is_empty() && (!self.leases.is_held() || self.manages_partitions())
    }

    /// All leases of it that this process holds.
    pub(super) fn into_leases(self) -> Vec<Lease> {
        let gathered = self.partitions.gathered.map(|gathered| gathered.leases).unwrap_or_default();
        [self.leases.granted, self.leases.wanted, gathered, self.partitions.waits.into_iter().collect()].concat()
    }

    /// Whether this process holds it and cannot release it now.
    pub(super) fn is_kept(&self) -> bool {
        self.leases.is_held() && (self.paused || self.operator.replay.is_some()) || self.partitions.gathered.is_some()
    }

    /// Whether any process may ask for it.
    pub(super) fn is_to_be_asked_for(&self) -> bool {
        let is_run_by_parts = || {
            self.manages_partitions() && self.partitions.seen.is_live(self) && self.partitions.seen.live[0].number() > 1
        };
        if self.partitions.part.is_some() {
            self.partitions.may_ask || !self.operator.requests.is_empty()
        } else {
            !is_run_by_parts()
        }
    }

    /// Whether it was wanted from other processes, and everything it was wanted for is done.
    pub(super) fn is_done_with(&self) -> bool {
        let is_at_rest =
            self.operator.replay.is_none() && self.partitions.gathered.is_none() && self.partitions.change.is_none();
        !self.leases.wanted.is_empty() && self.operator.requests.is_empty() && is_at_rest
    }

    /// Whether it consists of fold methods, so that it can have a shadow build.
    pub(super) fn folds(&self) -> bool {
        self.live.places().next().is_some()
    }

    pub(super) fn engine(&self, build: Build) -> &Arc<Engine> {
        match build {
            Build::Live => &self.live,
            Build::Shadow => &self.shadow,
        }
    }

    /// Both builds of each view.
    pub(super) fn places(&self) -> Vec<(Generation, Generation)> {
        self.live.places().zip(self.shadow.places()).collect()
    }

    /// Reads its state from the store, and creates what is missing. Call it under its leases.
    pub(super) async fn learn(&mut self, store: &dyn ViewStore, log: &dyn EventLog) -> Result<(), StoreError> {
        self.builds.forget();
        let mut tx = store.begin(&self.leases.held).await?;
        let seen = Seen::in_transaction(&mut *tx, self).await?;
        let parked = self.live.parked(&mut *tx).await?;
        drop(tx);
        self.parked = parked.iter().any(|parked| self.is_parked_by(parked));
        if let Some((part, _)) = self.partitions.part {
            self.builds.live_at = at_part(&self.live, &seen.live, part);
            self.builds.shadow_at = at_part(&self.shadow, &seen.shadow, part);
            return Ok(());
        }
        if seen.live.iter().all(|stored| *stored == Stored::Nothing) {
            // Its queries are answered once it reaches the log's present end.
            let goal = log.last().await?;
            self.builds.live_at = Some(start(store, &self.live, &self.leases.held, Some(goal)).await?);
        } else {
            self.builds.live_at = together(&self.live, &seen.live);
        }
        self.builds.shadow_at = together(&self.shadow, &seen.shadow);
        let is_split = self.names().len() == 1 && (seen.is_live(self) || seen.is_shadow(self));
        let partition_names = seen.partition_names(self);
        self.partitions.seen = seen;
        if self.builds.live_at.is_none() && self.builds.shadow_at.is_none() && !is_split {
            if partition_names.is_empty() && self.partitions.split == 1 {
                self.start_shadow(store).await?;
            } else {
                self.partitions.change = Some(Change::Rebuild);
            }
        }
        Ok(())
    }

    /// How far a rebuild has come, according to the store: for a process that does not run it.
    ///
    /// # Errors
    /// The store failed, or the rebuild cannot finish by itself.
    pub(super) async fn rebuilt_elsewhere(
        &self,
        store: &dyn ViewStore,
        wanted: Position,
    ) -> Result<Rebuilt, OperationError> {
        let seen = Seen::in_store(store, self).await?;
        let live = lowest(&self.live, &seen.live);
        if self.folds() {
            let shadow = seen.shadow.iter().flat_map(Stored::positions).min();
            return Ok(match (live, shadow) {
                (Some(live), None) => Rebuilt::Whole(live),
                (_, shadow) => Rebuilt::UpTo(shadow.unwrap_or_default()),
            });
        }
        if store.parked().await?.iter().any(|parked| self.is_parked_by(parked)) {
            return Err(parked_again(&self.projections));
        }
        Ok(Rebuilt::of(live.unwrap_or_default(), wanted))
    }

    /// How far a rebuild has come, for the process that runs it.
    ///
    /// # Errors
    /// The rebuild cannot finish by itself.
    pub(super) fn rebuilt_here(&self, wanted: Position) -> Result<Rebuilt, OperationError> {
        let live = self.builds.live_at.map(|at| at.position);
        match (live, self.builds.shadow_at) {
            _ if self.parked => Err(parked_again(&self.projections)),
            (live, _) if !self.folds() => Ok(Rebuilt::of(live.unwrap_or_default(), wanted)),
            (Some(live), None) => Ok(Rebuilt::Whole(live)),
            (_, shadow) => Ok(Rebuilt::UpTo(shadow.unwrap_or_default().position)),
        }
    }

    /// Whether all of it waits at this event.
    fn is_parked_by(&self, parked: &Parked) -> bool {
        !self.folds() && parked.key.is_empty() && self.names().contains(&&*parked.projection)
    }

    /// Makes the live rows unreadable, because they show events that the log has lost.
    pub(super) async fn withdraw(&mut self, store: &dyn ViewStore) -> Result<(), StoreError> {
        let mut tx = store.begin(&self.leases.held).await?;
        tx.set_checkpoints(&self.live.places().map(withdrawn).collect::<Vec<_>>()).await?;
        tx.commit().await?;
        self.builds.live_at = None;
        Ok(())
    }

    /// Starts to rebuild an async projection in its own tables. They are read once it has processed the events up to `goal`.
    pub(super) async fn start_over(&mut self, store: &dyn ViewStore, goal: Bookmark) -> Result<(), StoreError> {
        self.builds.live_at = Some(start(store, &self.live, &self.leases.held, Some(goal)).await?);
        self.parked = false;
        Ok(())
    }

    /// Starts a shadow build of the views.
    pub(super) async fn start_shadow(&mut self, store: &dyn ViewStore) -> Result<(), StoreError> {
        self.builds.shadow_at = Some(start(store, &self.shadow, &self.leases.held, None).await?);
        self.builds.shadow_saw_end = false;
        Ok(())
    }
}

fn parked_again(projections: &[&'static str]) -> OperationError {
    OperationError::ParkedAgain { projection: joined(projections) }
}

/// Several names as one, between the quotes of a message.
fn joined(projections: &[&'static str]) -> String {
    projections.join("`, `")
}

/// The position of a build, if all of it has its shape, is not partitioned, and is at one position.
fn together(engine: &Engine, stored: &[Stored]) -> Option<Bookmark> {
    let first = stored.first()?.bookmarks().first().copied()?;
    let same = |(name, stored): (&&'static str, &Stored)| {
        let expected = Checkpoint::at(first, engine.fingerprint(name));
        *stored == Stored::Whole(expected)
    };
    engine.names().iter().zip(stored).all(same).then_some(first)
}

/// The lowest position of a build, partitioned or not, if all of it has its shape.
fn lowest(engine: &Engine, stored: &[Stored]) -> Option<Position> {
    let lowest = engine.names().iter().zip(stored).map(|(name, stored)| stored.lowest(engine.fingerprint(name)));
    lowest.collect::<Option<Vec<_>>>()?.into_iter().min()
}

/// The position of one partition of a build, if it has its shape and that number of partitions.
fn at_part(engine: &Engine, stored: &[Stored], part: Partition) -> Option<Bookmark> {
    let (name, stored) = (engine.names().first()?, stored.first()?);
    let is_ours = stored.fingerprint() == Some(engine.fingerprint(name)) && stored.number() == part.of;
    if is_ours { stored.bookmarks().get(part.index as usize).copied() } else { None }
}

/// Creates an empty build at the log's start.
async fn start(
    store: &dyn ViewStore,
    engine: &Engine,
    leases: &[Lease],
    goal: Option<Bookmark>,
) -> Result<Bookmark, StoreError> {
    let mut tx = store.begin(leases).await?;
    for shape in engine.shapes() {
        tx.prepare(shape).await?;
    }
    for name in engine.names() {
        engine.clear(&mut *tx, name).await?;
    }
    let start = |name: &&'static str| (*name, Checkpoint::at(Bookmark::START, engine.fingerprint(name)));
    let mut checkpoints: Vec<_> = engine.names().iter().map(start).collect();
    if let Some(goal) = goal {
        let goal = |name: &&'static str| (goal_of(name), Checkpoint::at(goal, engine.fingerprint(name)));
        checkpoints.extend(engine.names().iter().map(goal));
    }
    checkpoints.extend(engine.claims());
    tx.set_checkpoints(&checkpoints).await?;
    tx.commit().await?;
    Ok(Bookmark::START)
}

/// The checkpoint of a view that may not be read any more.
pub(super) fn withdrawn(live: Generation) -> (&'static str, Checkpoint) {
    (live.projection, Checkpoint::at(Bookmark::START, live.shape.fingerprint ^ WITHDRAWN))
}

/// The checkpoint that marks a view as built: what replaces it was complete.
pub(super) fn built(live: Generation) -> (&'static str, Checkpoint) {
    (goal_of(live.projection), Checkpoint::at(Bookmark::START, live.shape.fingerprint))
}

pub(crate) fn place_shadow(live: Generation) -> Generation {
    let shape = ViewShape {
        name: kept(format!("{}{SHADOW}", live.shape.name)),
        fingerprint: live.shape.fingerprint ^ FINGERPRINT,
        ..live.shape
    };
    Generation { shape, projection: kept(format!("{}{SHADOW}", live.projection)) }
}
