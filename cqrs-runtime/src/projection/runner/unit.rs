//! Projections that go together, and where they stand.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Answer;
use super::change::{Change, Gathered, Seen};
use crate::model::error::OperationError;
use crate::projection::Engine;
use crate::projection::generation::goal_of;
use crate::projection::partition::{Part, Stored, kept};
use crate::projection::replay::Replay;
use cqrs_core::log::EventLog;
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Checkpoint, Generation, Lease, Parked, ViewShape, ViewStore};

/// How often a process that waits for a projection asks for it while a lease lasts. Who has it renews three times.
pub(super) const ASKS: u32 = 12;

/// What the name of a view and of its projection ends with, while it is built beside the one that is read.
const BESIDE: &str = "@next";

/// What the name of a lease ends with by which a process has others hand a projection over.
const WANTED: &str = "@wanted";

/// Tells the fingerprint of a view that is built beside another of the same shape from that one's.
const FINGERPRINT: u64 = 0x6E65_7874_6E65_7874;

/// Tells the fingerprint of a view whose rows show events that the log has lost from that of one which may be read.
const WITHDRAWN: u64 = 0x6C6F_7374_6C6F_7374;

/// One build of a unit's views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Build {
    /// The one that is read.
    Live,
    /// The one that will take its place.
    Beside,
}

/// What somebody has asked to have done to a unit, and waits for.
pub(super) enum Wish {
    /// To be folded anew.
    Rebuild(Answer<Position>),
    /// A parked key to be taken up again, with the event that it is parked at or after it.
    TakeUp { projection: &'static str, key: String, skip: bool, answer: Answer<()> },
}

impl Wish {
    pub(super) fn refuse(self, error: OperationError) {
        match self {
            Self::Rebuild(answer) => drop(answer.send(Err(error))),
            Self::TakeUp { answer, .. } => drop(answer.send(Err(error))),
        }
    }
}

/// Projections that look each other up, or one that stands for itself.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Unit {
    pub(super) live: Arc<Engine>,
    pub(super) beside: Arc<Engine>,
    /// Its projections, as the app knows them.
    pub(super) projections: Vec<&'static str>,
    /// What their checkpoints and leases are called, as a whole.
    pub(super) stored: Vec<&'static str>,
    /// If it is one part of a projection: which, and the place of the unit that keeps the parts together.
    pub(super) part: Option<(Part, usize)>,
    /// If it is one part: whether the store says that there is such a part, and it is this process's turn to ask for it.
    pub(super) may_ask: bool,
    /// Into how many parts its one projection is to be split: 1, if it is not.
    pub(super) split: u32,
    /// What the store has said of it last.
    pub(super) seen: Seen,
    /// What is to be done with all parts of it together.
    pub(super) change: Option<Change>,
    /// All parts, while this process has them for that.
    pub(super) gathered: Option<Gathered>,
    /// What is wrong, where the log has lost what its rows show, until they are rebuilt.
    pub(super) lost: Option<String>,
    /// If it is one part: whether this process had it before all parts were gathered.
    pub(super) had: bool,
    /// The lease by which this process tells that it has too few of the parts.
    pub(super) waits: Option<Lease>,
    /// Empty while another process has them, and after a failure, until they are asked for again.
    pub(super) leases: Vec<Lease>,
    /// What the store has granted last, to be given back at the end.
    pub(super) granted: Vec<Lease>,
    /// When to ask for the leases again.
    pub(super) ask_at: Instant,
    /// Where the live build stands, if it is of this program's shape and followed.
    pub(super) live_at: Option<Bookmark>,
    /// Where the one beside it stands, if there is one.
    pub(super) beside_at: Option<Bookmark>,
    /// Whether the one beside has seen the log's end.
    pub(super) beside_is_there: bool,
    pub(super) paused: bool,
    /// An async projection that waits at an event.
    pub(super) parked: bool,
    pub(super) failures: u32,
    /// Whether it goes alone, after a failure in company.
    pub(super) alone: bool,
    /// What is to be done as soon as it is this process's.
    pub(super) wishes: VecDeque<Wish>,
    /// Since when there have been wishes that it was not this process's for.
    pub(super) wished_since: Option<Instant>,
    /// The leases by which this process has others hand it over.
    pub(super) wanted: Vec<Lease>,
    /// A parked key that is being taken up again. The unit stands still meanwhile.
    pub(super) replay: Option<(Replay, Answer<()>)>,
    /// Rebuilds that were begun, and who waits for them to get so far.
    pub(super) waiting: Vec<Waiting>,
}

/// Somebody who waits for a rebuild that was begun.
pub(super) struct Waiting {
    /// Where an async projection has to come to.
    pub(super) wanted: Position,
    pub(super) answer: Answer<Position>,
    /// Where it was last, and since when.
    at: Position,
    since: Instant,
}

impl Waiting {
    pub(super) fn new(wanted: Position, answer: Answer<Position>) -> Self {
        Self { wanted, answer, at: Position::START, since: Instant::now() }
    }

    /// Whether it has got on, lately enough. `at`: where it is now, if that is known.
    pub(super) fn gets_on(&mut self, at: Option<Position>, patience: Duration) -> bool {
        if let Some(at) = at.filter(|at| *at != self.at) {
            (self.at, self.since) = (at, Instant::now());
        }
        self.since.elapsed() <= patience
    }
}

/// How much of a rebuild is done.
pub(super) enum Rebuilt {
    /// It is done, and there.
    Whole(Position),
    /// It is under way.
    UpTo(Position),
}

impl Rebuilt {
    fn of(at: Position, wanted: Position) -> Self {
        if at >= wanted { Self::Whole(at) } else { Self::UpTo(at) }
    }
}

impl Unit {
    pub(super) fn new(live: Engine, beside: Engine, split: u32) -> Self {
        Self {
            projections: live.projections(),
            stored: live.names().to_vec(),
            live: Arc::new(live),
            beside: Arc::new(beside.placed(place_shadow)),
            part: None,
            may_ask: true,
            split,
            seen: Seen::default(),
            change: None,
            gathered: None,
            lost: None,
            had: false,
            waits: None,
            leases: Vec::new(),
            granted: Vec::new(),
            ask_at: Instant::now(),
            live_at: None,
            beside_at: None,
            beside_is_there: false,
            paused: false,
            parked: false,
            failures: 0,
            alone: false,
            wishes: VecDeque::new(),
            wished_since: None,
            wanted: Vec::new(),
            replay: None,
            waiting: Vec::new(),
        }
    }

    /// A part of the projection that stands for itself in these engines.
    pub(super) fn part(live: Engine, beside: Engine, part: Part, keeper: usize) -> Self {
        let whole = Self::new(live, beside, 1);
        let engine =
            |engine: Arc<Engine>| Arc::new(Arc::into_inner(engine).map(|whole| whole.part(part)).unwrap_or_default());
        let (live, beside) = (engine(whole.live), engine(whole.beside));
        Self { live, beside, part: Some((part, keeper)), may_ask: false, ..whole }
    }

    /// What its checkpoints and leases are called.
    pub(super) fn names(&self) -> &[&'static str] {
        self.live.names()
    }

    /// Its projections, as a message names them.
    pub(super) fn projection(&self) -> String {
        joined(&self.projections)
    }

    /// The names of the leases by which others are told that it is wanted.
    pub(super) fn wanted_names(&self) -> Vec<&'static str> {
        self.names().iter().map(|name| kept(format!("{name}{WANTED}"))).collect()
    }

    /// The names of the leases by which this process is told so: who wants a projection wants each part of it.
    pub(super) fn heeded_names(&self) -> Vec<&'static str> {
        let mut names = self.wanted_names();
        if self.part.is_some() {
            names.extend(self.stored.iter().map(|name| kept(format!("{name}{WANTED}"))));
        }
        names
    }

    /// Whether it keeps the parts of a projection together.
    pub(super) fn keeps_parts(&self) -> bool {
        self.part.is_none() && self.names().len() == 1 && (self.split > 1 || self.seen.is_split())
    }

    /// Whether others are to hand all parts over for the change that is due.
    pub(super) fn forces(&self) -> bool {
        let is_asked_for = || self.lost.is_some() || self.wishes.iter().any(|wish| matches!(wish, Wish::Rebuild(_)));
        match self.change {
            Some(Change::Switch) => true,
            Some(Change::Rebuild) => is_asked_for(),
            Some(Change::Split) | None => false,
        }
    }

    /// Whether this process runs it, or could.
    pub(super) fn is_held(&self) -> bool {
        !self.leases.is_empty()
    }

    /// Whether somebody waits for what another process may finish.
    pub(super) fn is_watched(&self) -> bool {
        !self.waiting.is_empty() && (!self.is_held() || self.keeps_parts())
    }

    /// All leases that this process has of it.
    pub(super) fn into_leases(self) -> Vec<Lease> {
        let gathered = self.gathered.map(|gathered| gathered.leases).unwrap_or_default();
        [self.granted, self.wanted, gathered, self.waits.into_iter().collect()].concat()
    }

    /// Whether it is this process's, and cannot be handed over at present.
    pub(super) fn is_kept(&self) -> bool {
        self.is_held() && (self.paused || self.replay.is_some()) || self.gathered.is_some()
    }

    /// Whether it is for whichever process asks first.
    pub(super) fn is_to_be_asked_for(&self) -> bool {
        let is_run_by_parts = || self.keeps_parts() && self.seen.is_live(self) && self.seen.live[0].number() > 1;
        if self.part.is_some() { self.may_ask || !self.wishes.is_empty() } else { !is_run_by_parts() }
    }

    /// Whether it was wanted from others, and all is done that it was wanted for.
    pub(super) fn is_done_with(&self) -> bool {
        let is_at_rest = self.replay.is_none() && self.gathered.is_none() && self.change.is_none();
        !self.wanted.is_empty() && self.wishes.is_empty() && is_at_rest
    }

    /// Whether it is of fold methods, so that it can be built beside itself.
    pub(super) fn folds(&self) -> bool {
        self.live.places().next().is_some()
    }

    pub(super) fn engine(&self, build: Build) -> &Arc<Engine> {
        match build {
            Build::Live => &self.live,
            Build::Beside => &self.beside,
        }
    }

    pub(super) fn at(&self, build: Build) -> Option<Bookmark> {
        match build {
            Build::Live => self.live_at,
            Build::Beside => self.beside_at,
        }
    }

    /// Both builds of each view.
    pub(super) fn places(&self) -> Vec<(Generation, Generation)> {
        self.live.places().zip(self.beside.places()).collect()
    }

    /// Whether the one beside has got so far that it can take the place of the other.
    pub(super) fn may_switch(&self) -> bool {
        match (self.live_at, self.beside_at) {
            (Some(live), Some(beside)) => beside.position >= live.position,
            (None, Some(_)) => self.beside_is_there,
            (_, None) => false,
        }
    }

    /// Learns from the store where it stands, and makes room for what is not there. To be called under its leases.
    pub(super) async fn learn(&mut self, store: &dyn ViewStore, log: &dyn EventLog) -> Result<(), StoreError> {
        (self.live_at, self.beside_at, self.beside_is_there) = (None, None, false);
        let mut tx = store.begin(&self.leases).await?;
        let seen = Seen::in_transaction(&mut *tx, self).await?;
        let parked = self.live.parked(&mut *tx).await?;
        drop(tx);
        self.parked = parked.iter().any(|parked| self.is_parked_by(parked));
        if let Some((part, _)) = self.part {
            self.live_at = at_part(&self.live, &seen.live, part);
            self.beside_at = at_part(&self.beside, &seen.beside, part);
            return Ok(());
        }
        if seen.live.iter().all(|stored| *stored == Stored::Nothing) {
            // Its queries are answered when it has come to where the log is now.
            let goal = log.last().await?;
            self.live_at = Some(start(store, &self.live, &self.leases, Some(goal)).await?);
        } else {
            self.live_at = together(&self.live, &seen.live);
        }
        self.beside_at = together(&self.beside, &seen.beside);
        let is_split = self.names().len() == 1 && (seen.is_live(self) || seen.is_beside(self));
        let part_names = seen.part_names(self);
        self.seen = seen;
        if self.live_at.is_none() && self.beside_at.is_none() && !is_split {
            if part_names.is_empty() && self.split == 1 {
                self.start_beside(store).await?;
            } else {
                self.change = Some(Change::Rebuild);
            }
        }
        Ok(())
    }

    /// How much of a rebuild is done, as the store says it. For a process that does not run it.
    ///
    /// # Errors
    /// The store failed, or it will not get there by itself.
    pub(super) async fn rebuilt_elsewhere(
        &self,
        store: &dyn ViewStore,
        wanted: Position,
    ) -> Result<Rebuilt, OperationError> {
        let seen = Seen::in_store(store, self).await?;
        let live = lowest(&self.live, &seen.live);
        if self.folds() {
            let beside = seen.beside.iter().flat_map(Stored::positions).min();
            return Ok(match (live, beside) {
                (Some(live), None) => Rebuilt::Whole(live),
                (_, beside) => Rebuilt::UpTo(beside.unwrap_or_default()),
            });
        }
        if store.parked().await?.iter().any(|parked| self.is_parked_by(parked)) {
            return Err(parked_again(&self.projections));
        }
        Ok(Rebuilt::of(live.unwrap_or_default(), wanted))
    }

    /// The same, for the process that runs it.
    ///
    /// # Errors
    /// It will not get there by itself.
    pub(super) fn rebuilt_here(&self, wanted: Position) -> Result<Rebuilt, OperationError> {
        let live = self.live_at.map(|at| at.position);
        match (live, self.beside_at) {
            _ if self.parked => Err(parked_again(&self.projections)),
            (live, _) if !self.folds() => Ok(Rebuilt::of(live.unwrap_or_default(), wanted)),
            (Some(live), None) => Ok(Rebuilt::Whole(live)),
            (_, beside) => Ok(Rebuilt::UpTo(beside.unwrap_or_default().position)),
        }
    }

    /// Whether it waits as a whole at this event.
    fn is_parked_by(&self, parked: &Parked) -> bool {
        !self.folds() && parked.key.is_empty() && self.names().contains(&&*parked.projection)
    }

    /// Makes the views that are read those of another shape: their rows show what the log has lost, and nobody reads them any more.
    pub(super) async fn withdraw(&mut self, store: &dyn ViewStore) -> Result<(), StoreError> {
        let mut tx = store.begin(&self.leases).await?;
        tx.set_checkpoints(&self.live.places().map(withdrawn).collect::<Vec<_>>()).await?;
        tx.commit().await?;
        self.live_at = None;
        Ok(())
    }

    /// Starts to rebuild an async projection. Its tables are its own: they are read once it has processed the events up to `goal`.
    pub(super) async fn start_over(&mut self, store: &dyn ViewStore, goal: Bookmark) -> Result<(), StoreError> {
        self.live_at = Some(start(store, &self.live, &self.leases, Some(goal)).await?);
        self.parked = false;
        Ok(())
    }

    /// Starts to build the views anew beside those that are read.
    pub(super) async fn start_beside(&mut self, store: &dyn ViewStore) -> Result<(), StoreError> {
        self.beside_at = Some(start(store, &self.beside, &self.leases, None).await?);
        self.beside_is_there = false;
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

/// Where a build stands, if all of it is of its shape, not split, and at one position.
fn together(engine: &Engine, stored: &[Stored]) -> Option<Bookmark> {
    let first = stored.first()?.bookmarks().first().copied()?;
    let same = |(name, stored): (&&'static str, &Stored)| {
        let expected = Checkpoint::at(first, engine.fingerprint(name));
        *stored == Stored::Whole(expected)
    };
    engine.names().iter().zip(stored).all(same).then_some(first)
}

/// Where the lowest of a build stands, split or not, if all of it is of its shape.
fn lowest(engine: &Engine, stored: &[Stored]) -> Option<Position> {
    let lowest = engine.names().iter().zip(stored).map(|(name, stored)| stored.lowest(engine.fingerprint(name)));
    lowest.collect::<Option<Vec<_>>>()?.into_iter().min()
}

/// Where one part of a build stands, if it is of its shape, and split into as many.
fn at_part(engine: &Engine, stored: &[Stored], part: Part) -> Option<Bookmark> {
    let (name, stored) = (engine.names().first()?, stored.first()?);
    let is_ours = stored.fingerprint() == Some(engine.fingerprint(name)) && stored.number() == part.of;
    if is_ours { stored.bookmarks().get(part.index as usize).copied() } else { None }
}

/// Makes room for a build, empty, and sets it to the log's start.
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

/// The checkpoint of a view that nobody is to read any more.
pub(super) fn withdrawn(live: Generation) -> (&'static str, Checkpoint) {
    (live.projection, Checkpoint::at(Bookmark::START, live.shape.fingerprint ^ WITHDRAWN))
}

/// The checkpoint which says that a view is built: what has taken its place was complete.
pub(super) fn built(live: Generation) -> (&'static str, Checkpoint) {
    (goal_of(live.projection), Checkpoint::at(Bookmark::START, live.shape.fingerprint))
}

pub(crate) fn place_shadow(live: Generation) -> Generation {
    let shape = ViewShape {
        name: kept(format!("{}{BESIDE}", live.shape.name)),
        fingerprint: live.shape.fingerprint ^ FINGERPRINT,
        ..live.shape
    };
    Generation { shape, projection: kept(format!("{}{BESIDE}", live.projection)) }
}
