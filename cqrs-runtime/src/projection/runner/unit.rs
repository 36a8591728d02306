//! Projections that go together, and where they stand.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::Answer;
use crate::log::{Position, StoreError};
use crate::projection::Engine;
use crate::projection::replay::Replay;
use crate::view::{Checkpoint, Generation, Lease, Parked, ViewShape, ViewStore};

/// What the name of a view and of its projection ends with, while it is built beside the one that is read.
const BESIDE: &str = "@next";

/// What the name of a lease ends with by which a process has others hand a projection over.
const WANTED: &str = "@wanted";

/// Tells the fingerprint of a view that is built beside another of the same shape from that one's.
const FINGERPRINT: u64 = 0x6E65_7874_6E65_7874;

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
    pub(super) fn refuse(self, error: StoreError) {
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
    /// Empty while another process has them, and after a failure, until they are asked for again.
    pub(super) leases: Vec<Lease>,
    /// What the store has granted last, to be given back at the end.
    pub(super) granted: Vec<Lease>,
    /// When to ask for the leases again.
    pub(super) ask_at: Instant,
    /// Where the live build stands, if it is of this program's shape and followed.
    pub(super) live_at: Option<Position>,
    /// Where the one beside it stands, if there is one.
    pub(super) beside_at: Option<Position>,
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
    pub(super) waiting: Vec<(Position, Answer<Position>)>,
}

impl Unit {
    pub(super) fn new(live: Engine, beside: Engine) -> Self {
        Self {
            live: Arc::new(live),
            beside: Arc::new(beside.placed(place_beside)),
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

    /// The projections.
    pub(super) fn names(&self) -> &[&'static str] {
        self.live.names()
    }

    /// The names of the leases by which others are told that it is wanted.
    pub(super) fn wanted_names(&self) -> Vec<&'static str> {
        self.names().iter().map(|name| kept(format!("{name}{WANTED}"))).collect()
    }

    /// Whether this process runs it, or could.
    pub(super) fn is_held(&self) -> bool {
        !self.leases.is_empty()
    }

    /// Whether it is this process's, and cannot be handed over at present.
    pub(super) fn is_kept(&self) -> bool {
        self.is_held() && (self.paused || self.replay.is_some())
    }

    /// Whether it was wanted from others, and all is done that it was wanted for.
    pub(super) fn is_done_with(&self) -> bool {
        !self.wanted.is_empty() && self.wishes.is_empty() && self.replay.is_none()
    }

    /// Whether it is of fold methods, so that it can be built beside itself.
    pub(super) fn folds(&self) -> bool {
        self.live.places().next().is_some()
    }

    pub(super) fn engine(&self, build: Build) -> &Engine {
        match build {
            Build::Live => &self.live,
            Build::Beside => &self.beside,
        }
    }

    pub(super) fn at(&self, build: Build) -> Option<Position> {
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
            (Some(live), Some(beside)) => beside >= live,
            (None, Some(_)) => self.beside_is_there,
            (_, None) => false,
        }
    }

    /// Learns from the store where it stands, and makes room for what is not there. To be called under its leases.
    pub(super) async fn learn(&mut self, store: &dyn ViewStore) -> Result<(), StoreError> {
        (self.live_at, self.beside_at, self.beside_is_there) = (None, None, false);
        let mut tx = store.begin(&self.leases).await?;
        let live = tx.checkpoints(self.live.names()).await?;
        let beside = if self.folds() { tx.checkpoints(self.beside.names()).await? } else { Vec::new() };
        let parked = tx.parked().await?;
        drop(tx);
        self.parked = parked.iter().any(|parked| self.is_parked_by(parked));
        if live.iter().all(Option::is_none) {
            self.live_at = Some(start(store, &self.live, &self.leases).await?);
        } else {
            self.live_at = together(&self.live, &live);
        }
        self.beside_at = together(&self.beside, &beside);
        if self.live_at.is_none() && self.beside_at.is_none() {
            self.start_beside(store).await?;
        }
        Ok(())
    }

    /// Where the store has what was begun anew: `None` while it is under way. For a process that does not run it.
    ///
    /// # Errors
    /// The store failed, or it will not get there by itself.
    pub(super) async fn finished(
        &self,
        store: &dyn ViewStore,
        wanted: Position,
    ) -> Result<Option<Position>, StoreError> {
        let mut live = Vec::new();
        for name in self.names() {
            live.push(store.checkpoint(name).await?);
        }
        let live = together(&self.live, &live);
        if self.folds() {
            for name in self.beside.names() {
                if store.checkpoint(name).await?.is_some() {
                    return Ok(None);
                }
            }
            return Ok(live);
        }
        if store.parked().await?.iter().any(|parked| self.is_parked_by(parked)) {
            return Err(parked_again(self.names()));
        }
        Ok(live.filter(|at| *at >= wanted))
    }

    /// Whether it waits as a whole at this event.
    fn is_parked_by(&self, parked: &Parked) -> bool {
        !self.folds() && parked.key.is_empty() && self.names().contains(&&*parked.projection)
    }

    /// Starts an async projection anew. Its tables are its own affair.
    pub(super) async fn start_over(&mut self, store: &dyn ViewStore) -> Result<(), StoreError> {
        self.live_at = Some(start(store, &self.live, &self.leases).await?);
        self.parked = false;
        Ok(())
    }

    /// Starts to build the views anew beside those that are read.
    pub(super) async fn start_beside(&mut self, store: &dyn ViewStore) -> Result<(), StoreError> {
        self.beside_at = Some(start(store, &self.beside, &self.leases).await?);
        self.beside_is_there = false;
        Ok(())
    }
}

pub(super) fn parked_again(projections: &[&'static str]) -> StoreError {
    failed(projections, "it is parked again: see `App::parked`")
}

pub(super) fn failed(projections: &[&'static str], reason: &str) -> StoreError {
    StoreError::Failed { store: format!("projection `{}`", projections.join("`, `")), reason: reason.into() }
}

/// Where a build's checkpoints stand, if they are all of its shape and stand together.
fn together(engine: &Engine, checkpoints: &[Option<Checkpoint>]) -> Option<Position> {
    let first = (*checkpoints.first()?)?;
    let same = |(name, checkpoint): (&&'static str, &Option<Checkpoint>)| {
        let expected = Checkpoint { position: first.position, fingerprint: engine.fingerprint(name) };
        *checkpoint == Some(expected)
    };
    engine.names().iter().zip(checkpoints).all(same).then_some(first.position)
}

/// Makes room for a build, empty, and sets it to the log's start.
async fn start(store: &dyn ViewStore, engine: &Engine, leases: &[Lease]) -> Result<Position, StoreError> {
    let mut tx = store.begin(leases).await?;
    for shape in engine.shapes() {
        tx.prepare(shape).await?;
    }
    for name in engine.names() {
        engine.clear(&mut *tx, name).await?;
    }
    let start =
        |name: &&'static str| (*name, Checkpoint { position: Position::START, fingerprint: engine.fingerprint(name) });
    tx.set_checkpoints(&engine.names().iter().map(start).collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(Position::START)
}

fn place_beside(live: Generation) -> Generation {
    let shape = ViewShape {
        name: kept(format!("{}{BESIDE}", live.shape.name)),
        fingerprint: live.shape.fingerprint ^ FINGERPRINT,
        ..live.shape
    };
    Generation { shape, projection: kept(format!("{}{BESIDE}", live.projection)) }
}

/// A name for as long as the program runs, made once however many apps there are.
fn kept(name: String) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name.as_str()) {
        return known;
    }
    let name: &'static str = Box::leak(name.into_boxed_str());
    names.insert(name);
    name
}
