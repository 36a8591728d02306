//! The runner's work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::change::Change;
use super::progress::Standings;
use super::scan::{Group, Pass, passes};
use super::unit::{ASKS, Build, Unit, built};
use super::{FirstLook, Pace, Partitions, Request};
use crate::panics::unpanicked;
use crate::projection::partition::Part;
use crate::projection::{Engine, ProjectionInfo};
use crate::telemetry::spans;
use cqrs_core::log::{EventLog, EventQuery, Page};
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Lease, ViewStore};

/// The pauses after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How often one looks whether another process has finished a rebuild.
const LOOK: Duration = Duration::from_millis(50);

/// How long the end of an app waits for the store to take the leases back.
const LAST_WORD: Duration = Duration::from_secs(1);

/// How many pages are kept that were read ahead, one a pass.
const MOST_AHEAD: usize = 4;

pub(super) struct Worker {
    pub(super) units: Vec<Unit>,
    /// What parts are made of.
    pub(super) projections: Vec<&'static ProjectionInfo>,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) store: Arc<dyn ViewStore>,
    pub(super) standings: Arc<Standings>,
    /// Where this process knows the log to reach.
    head: watch::Receiver<Position>,
    inbox: mpsc::Receiver<Request>,
    pub(super) pace: Pace,
    /// This runner, among those of other processes.
    pub(super) owner: String,
    /// How far the log was read to its end.
    seen: Position,
    /// The losses of the log that were known when the round began: see `Head::losses`.
    losses: u64,
    /// Pages that were read while the one before was folded.
    pub(super) ahead: Vec<(EventQuery, Position, Page)>,
    /// Whether the read database is known to be of this log.
    pub(super) knows_origin: bool,
    /// Why it is not, if it is not.
    pub(super) foreign: Option<StoreError>,
}

impl Worker {
    #[allow(clippy::too_many_arguments, reason = "what a runner is started with, passed on")]
    pub(super) fn new(
        units: impl Iterator<Item = (Engine, Engine)>,
        projections: &[&'static ProjectionInfo],
        split: &Partitions,
        log: Arc<dyn EventLog>,
        store: Arc<dyn ViewStore>,
        standings: Arc<Standings>,
        head: watch::Receiver<Position>,
        inbox: mpsc::Receiver<Request>,
        pace: Pace,
    ) -> Self {
        let number = |live: &Engine| live.projections().first().and_then(|name| split.get(name)).copied().unwrap_or(1);
        let wholes = units.map(|(live, beside)| {
            let number = number(&live);
            Unit::new(live, beside, number)
        });
        let mut worker = Self {
            units: wholes.collect(),
            projections: projections.to_vec(),
            log,
            store,
            standings,
            head,
            inbox,
            pace,
            owner: uuid::Uuid::now_v7().to_string(),
            seen: Position::START,
            losses: 0,
            ahead: Vec::new(),
            knows_origin: false,
            foreign: None,
        };
        for keeper in 0..worker.units.len() {
            let whole = &worker.units[keeper];
            let number = whole.split;
            let parts: Vec<Unit> =
                Part::all(number).filter(|_| number > 1).map(|part| worker.make_part(whole, keeper, part)).collect();
            worker.units.extend(parts);
        }
        worker
    }

    /// A part of a projection that stands for itself.
    pub(super) fn make_part(&self, whole: &Unit, keeper: usize, part: Part) -> Unit {
        let own: Vec<_> =
            self.projections.iter().copied().filter(|info| whole.projections.contains(&info.name)).collect();
        // One projection is no circle.
        let engine = || Engine::new(&own).unwrap_or_default();
        Unit::part(engine(), engine(), part, keeper)
    }

    /// Works until the other end of `end` is dropped.
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
            for place in 0..self.units.len() {
                self.fail(&[place], &error);
            }
        }
        let leases: Vec<Lease> = self.units.into_iter().flat_map(Unit::into_leases).collect();
        if !leases.is_empty() {
            // Should it not hear of it, they run out.
            let _ = tokio::time::timeout(LAST_WORD, self.store.release(&leases)).await;
        }
    }

    async fn work(&mut self, looked: &mut Option<FirstLook>) {
        loop {
            self.ask_for_leases().await;
            while let Ok(request) = self.inbox.try_recv() {
                self.serve(request);
            }
            self.begin_wishes().await;
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
        let watches = self.units.iter().any(Unit::is_watched);
        let look_at = watches.then(|| Instant::now() + LOOK);
        let wake_at = self.units.iter().map(|unit| unit.ask_at).chain(look_at).min();
        let follows = self.units.iter().any(runs);
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
        let unit = &mut self.units[place];
        let learnt = match unit.learn(&*self.store, &*self.log).await {
            Ok(()) => self.require_history(place).await,
            Err(error) => Err(error),
        };
        let unit = &mut self.units[place];
        match learnt {
            Ok(()) if unit.part.is_some() && unit.live_at.is_none() && unit.beside_at.is_none() => {
                // There is no such part any more.
                unit.may_ask = false;
                self.leave(place).await;
            }
            Ok(()) if !unit.is_to_be_asked_for() => {
                // Its parts are what runs.
                unit.ask_at = Instant::now();
                self.leave(place).await;
            }
            Ok(()) => {
                if unit.change.is_some() || unit.split > 1 {
                    unit.ask_at = Instant::now();
                }
                self.show(place);
            }
            Err(error) => self.fail(&[place], &error),
        }
    }

    /// Makes known where a unit stands.
    pub(super) fn show(&self, place: usize) {
        let unit = &self.units[place];
        if let Some((part, _)) = unit.part {
            self.standings.change_part(unit.projections[0], part, |standing| {
                (standing.reached, standing.beside, standing.held) =
                    (position(unit.live_at), position(unit.beside_at), true);
                (standing.failures, standing.compared) = (unit.failures, self.losses);
                standing.error = standing.error.take().filter(|_| unit.failures > 0);
            });
            return;
        }
        if unit.keeps_parts() && unit.live_at.is_none() {
            // Its parts tell.
            return;
        }
        self.standings.change(&unit.projections, |standing| {
            standing.parts.clear();
            (standing.reached, standing.beside) = (position(unit.live_at), position(unit.beside_at));
            (standing.elsewhere, standing.compared) = (false, self.losses);
            if unit.lost.is_some() {
                standing.withdraw(unit.lost.as_ref());
            }
            standing.failures = unit.failures;
            standing.error = standing.error.take().filter(|_| unit.failures > 0);
        });
    }

    /// Takes note of a failure. Units that failed together go alone at once; one that failed alone waits.
    pub(super) fn fail(&mut self, places: &[usize], error: &StoreError) {
        let together = places.len() > 1;
        for &place in places {
            let unit = &mut self.units[place];
            unit.failures += 1;
            unit.alone |= together;
            unit.leases.clear();
            unit.refuse(&error.clone().into());
            (unit.change, unit.gathered) = (None, None);
            let pause = FIRST_PAUSE.saturating_mul(1 << (unit.failures - 1).min(16)).min(LONGEST_PAUSE);
            unit.ask_at = Instant::now() + if together { Duration::ZERO } else { pause };
            let (failures, text) = (unit.failures, error.to_string());
            tracing::warn!(projections = ?unit.projections, failures, error = text, "a projection failed, and is tried again");
            if let Some((part, _)) = unit.part {
                self.standings.change_part(unit.projections[0], part, |standing| {
                    (standing.reached, standing.failures, standing.error) = (None, failures, Some(text.clone()));
                });
                self.standings.change(&unit.projections, |standing| standing.figures.failed());
                continue;
            }
            let has_parts = unit.keeps_parts();
            self.standings.change(&unit.projections, |standing| {
                if !has_parts {
                    standing.reached = None;
                }
                (standing.failures, standing.error) = (failures, Some(text.clone()));
                standing.figures.failed();
            });
        }
    }

    /// Gives each pass one page. Says whether any got on.
    async fn round(&mut self) -> bool {
        self.head.borrow_and_update();
        let losses = self.standings.losses();
        if losses > self.losses {
            // What was read ahead is of the log as it was.
            self.ahead.clear();
            self.losses = losses;
        }
        let mut moved = false;
        for pass in passes(&self.units, self.pace.batch as u64, runs) {
            let groups = pass.groups(&self.units);
            let results = match self.step(&pass, &groups).await {
                Ok(results) => results,
                // The log could not be read, for any of them.
                Err(error) => vec![(pass.places(), Err(error))],
            };
            for (places, result) in results {
                match result {
                    Ok(got_on) => {
                        moved |= got_on;
                        for &place in &places {
                            (self.units[place].failures, self.units[place].alone) = (0, false);
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

    /// Gives a pass one page. Says for each group whether it got on.
    async fn step(&mut self, pass: &Pass, groups: &[Group]) -> Result<Vec<Stepped>, StoreError> {
        let page = match self.ahead.iter().position(|(query, after, _)| *after == pass.after && *query == pass.query) {
            Some(place) => self.ahead.swap_remove(place).2,
            None => self.log.read(&pass.query, pass.after, self.pace.batch).await?,
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
            for (place, _) in pass.tracks.iter().filter(|(_, build)| *build == Build::Beside) {
                self.units[*place].beside_is_there = true;
            }
        }
        if page.up_to <= pass.after {
            return Ok(groups.iter().map(|group| (group.places(), Ok(false))).collect());
        }
        if !self.knows_origin {
            let first = pass.tracks.first().map(|(place, _)| self.units[*place].leases.clone()).unwrap_or_default();
            self.remember_origin(&first).await?;
        }
        let read = async {
            if page.more { Some(self.log.read(&pass.query, page.up_to, self.pace.batch).await) } else { None }
        };
        let span =
            spans::page(pass.tracks.iter().flat_map(|(place, _)| &self.units[*place].projections), pass.after, &page);
        // The next page is on its way while this one is folded.
        let (next, folded) = tokio::join!(biased; read, self.fold(groups, pass.after, &page).instrument(span));
        // What failed is read again when its turn comes, and the failure told then.
        if let Some(Ok(next)) = next {
            if self.ahead.len() == MOST_AHEAD {
                self.ahead.remove(0);
            }
            self.ahead.push((pass.query.clone(), page.up_to, next));
        }
        let mut results = Vec::new();
        for (group, folded) in groups.iter().zip(folded) {
            let moved = match folded {
                Ok(stopped) => self.moved(group, &stopped, &page).await,
                Err(error) => Err(error),
            };
            results.push((group.places(), moved.map(|()| true)));
        }
        Ok(results)
    }

    /// Takes note of what a page has done to a group.
    async fn moved(&mut self, group: &Group, stopped: &[usize], page: &Page) -> Result<(), StoreError> {
        for (place, build) in group.0.iter().filter(|(place, _)| !stopped.contains(place)) {
            let unit = &mut self.units[*place];
            let at = if *build == Build::Live { &mut unit.live_at } else { &mut unit.beside_at };
            let before = at.unwrap_or_default().position;
            *at = at.map(|at| if page.up_to > at.position { page.end() } else { at });
            // What is read once counts once, however many parts a projection has.
            if unit.part.is_none_or(|(part, _)| part.index == 0) {
                self.standings.folded(&unit.projections, *build == Build::Beside, before, page);
            }
            if let (Some((_, keeper)), Build::Beside) = (unit.part, build) {
                // It may have been the last that its view waited for.
                let soon = Instant::now() + self.pace.lease / ASKS;
                self.units[keeper].ask_at = self.units[keeper].ask_at.min(soon);
            }
        }
        for place in stopped {
            self.units[*place].learn(&*self.store, &*self.log).await?;
        }
        Ok(())
    }

    /// Folds a page, each group in a transaction of its own, and several at once. Returns the units of async projections that did
    /// not come to its end.
    async fn fold(&self, groups: &[Group], after: Position, page: &Arc<Page>) -> Vec<Result<Vec<usize>, StoreError>> {
        let work = |group: &Group| {
            let engine = |(place, build): &(usize, Build)| (*place, Arc::clone(self.units[*place].engine(*build)));
            Work {
                store: Arc::clone(&self.store),
                leases: group.places().into_iter().flat_map(|place| self.units[place].leases.iter().cloned()).collect(),
                engines: group.0.iter().map(engine).collect(),
                after,
                page: Arc::clone(page),
            }
        };
        if let [group] = groups {
            return vec![work(group).fold().await];
        }
        // They end with this future, should the app be gone.
        let mut tasks = JoinSet::new();
        for (number, group) in groups.iter().enumerate() {
            let work = work(group);
            tasks.spawn(async move { (number, work.fold().await) });
        }
        let panicked = || StoreError::Failed { store: self.store.describe(), reason: "folding a page panicked".into() };
        let mut results: Vec<_> = groups.iter().map(|_| Err(panicked())).collect();
        while let Some(joined) = tasks.join_next().await {
            if let Ok((number, result)) = joined {
                results[number] = result;
            }
        }
        results
    }

    /// Puts views that have been built beside others in their places.
    async fn switch(&mut self) {
        for place in 0..self.units.len() {
            let unit = &self.units[place];
            if !runs(unit) || unit.part.is_some() || !unit.may_switch() {
                continue;
            }
            if unit.seen.is_split() {
                // What is read is in parts, from before it was connected with others: nobody may run them meanwhile.
                let unit = &mut self.units[place];
                if unit.change.is_none() {
                    (unit.change, unit.ask_at) = (Some(Change::Switch), Instant::now());
                }
                continue;
            }
            match self.replace(place).await {
                Ok(()) => {
                    let unit = &mut self.units[place];
                    unit.live_at = unit.beside_at.take();
                    unit.lost = None;
                    let at = unit.live_at.unwrap_or_default().position;
                    tracing::info!(projections = ?unit.projections, position = %at, "built anew, and in place");
                    self.show(place);
                }
                Err(error) => self.fail(&[place], &error),
            }
        }
    }

    async fn replace(&self, place: usize) -> Result<(), StoreError> {
        let unit = &self.units[place];
        let mut tx = self.store.begin(&unit.leases).await?;
        for (live, beside) in unit.places() {
            tx.replace(live, beside).await?;
            tx.set_checkpoints(&[built(live)]).await?;
        }
        tx.commit().await
    }
}

/// What a step has come to: units, and whether they got on.
type Stepped = (Vec<usize>, Result<bool, StoreError>);

/// A page to be folded in one transaction.
struct Work {
    store: Arc<dyn ViewStore>,
    leases: Vec<Lease>,
    engines: Vec<(usize, Arc<Engine>)>,
    /// Where the page begins.
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

/// Whether a unit follows the log at present.
fn runs(unit: &Unit) -> bool {
    unit.is_held() && !unit.paused && !unit.parked && unit.replay.is_none() && unit.gathered.is_none()
}
