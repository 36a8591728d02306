//! The runner's work.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tracing::Instrument;

use super::pass::{Pass, passes};
use super::standing::Standings;
use super::together::{Either, any, both, race};
use super::unit::{Build, Unit};
use super::{FirstLook, Pace, Request};
use crate::log::{EventLog, EventQuery, Page, Position, StoreError};
use crate::observing::spans;
use crate::projection::Engine;
use crate::sequencer::panic_message;
use crate::view::{Lease, ViewStore};

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
    /// Pages that were read while the one before was folded.
    ahead: Vec<(EventQuery, Position, Page)>,
    /// Whether the read database is known to be of this log.
    pub(super) knows_origin: bool,
    /// Why it is not, if it is not.
    pub(super) foreign: Option<StoreError>,
}

impl Worker {
    pub(super) fn new(
        units: impl Iterator<Item = (Engine, Engine)>,
        log: Arc<dyn EventLog>,
        store: Arc<dyn ViewStore>,
        standings: Arc<Standings>,
        head: watch::Receiver<Position>,
        inbox: mpsc::Receiver<Request>,
        pace: Pace,
    ) -> Self {
        let units = units.map(|(live, beside)| Unit::new(live, beside)).collect();
        let owner = uuid::Uuid::now_v7().to_string();
        let (seen, ahead, knows_origin, foreign) = (Position::START, Vec::new(), false, None);
        Self { units, log, store, standings, head, inbox, pace, owner, seen, ahead, knows_origin, foreign }
    }

    /// Works until the other end of `end` is dropped.
    pub(super) async fn run(mut self, mut end: oneshot::Receiver<()>, looked: FirstLook) {
        let mut looked = Some(looked);
        while let Either::Other(panic) = race(&mut end, unpanicked(self.work(&mut looked))).await {
            let reason = format!("it panicked: {panic}");
            let error = StoreError::Failed { store: self.store.describe(), reason };
            for place in 0..self.units.len() {
                self.fail(&[place], &error);
            }
        }
        let leases: Vec<Lease> = self.units.into_iter().flat_map(|unit| [unit.granted, unit.wanted].concat()).collect();
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
            let moved = self.round().await | self.replay().await;
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
        let watches = self.units.iter().any(|unit| !unit.is_held() && !unit.waiting.is_empty());
        let look_at = watches.then(|| Instant::now() + LOOK);
        let wake_at = self.units.iter().map(|unit| unit.ask_at).chain(look_at).min();
        let follows = self.units.iter().any(runs);
        let mut request = None;
        let (head, inbox, got) = (&mut self.head, &mut self.inbox, &mut request);
        let mut signs: Vec<Pin<Box<dyn Future<Output = ()> + Send + '_>>> = Vec::new();
        signs.push(Box::pin(async {
            match inbox.recv().await {
                Some(request) => *got = Some(request),
                None => std::future::pending::<()>().await,
            }
        }));
        if let Some(wake_at) = wake_at {
            signs.push(Box::pin(tokio::time::sleep_until(wake_at.into())));
        }
        if follows {
            signs.push(self.log.changed(self.seen));
            signs.push(Box::pin(async {
                if head.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }));
        }
        any(signs).await;
        request
    }

    pub(super) async fn learn(&mut self, place: usize) {
        let unit = &mut self.units[place];
        let learnt = match unit.learn(&*self.store).await {
            Ok(()) => self.require_history(place).await,
            Err(error) => Err(error),
        };
        match learnt {
            Ok(()) => self.show(place),
            Err(error) => self.fail(&[place], &error),
        }
    }

    /// Makes known where a unit stands.
    pub(super) fn show(&self, place: usize) {
        let unit = &self.units[place];
        self.standings.change(unit.names(), |standing| {
            (standing.reached, standing.beside, standing.elsewhere) = (unit.live_at, unit.beside_at, false);
            standing.built |= unit.live_at.is_some();
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
            unit.refuse(error);
            let pause = FIRST_PAUSE.saturating_mul(1 << (unit.failures - 1).min(16)).min(LONGEST_PAUSE);
            unit.ask_at = Instant::now() + if together { Duration::ZERO } else { pause };
            let (failures, text) = (unit.failures, error.to_string());
            tracing::warn!(projections = ?unit.names(), failures, error = text, "a projection failed, and is tried again");
            self.standings.change(unit.names(), |standing| {
                (standing.reached, standing.failures, standing.error) = (None, failures, Some(text.clone()));
                standing.figures.failed();
            });
        }
    }

    /// Gives each pass one page. Says whether any got on.
    async fn round(&mut self) -> bool {
        self.head.borrow_and_update();
        let mut moved = false;
        for pass in passes(&self.units, self.pace.batch as u64, runs) {
            let places: Vec<usize> = {
                let mut places: Vec<usize> = pass.tracks.iter().map(|(place, _)| *place).collect();
                places.sort_unstable();
                places.dedup();
                places
            };
            match self.step(&pass).await {
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
        moved
    }

    async fn step(&mut self, pass: &Pass) -> Result<bool, StoreError> {
        let page = match self.ahead.iter().position(|(query, after, _)| *after == pass.after && *query == pass.query) {
            Some(place) => self.ahead.swap_remove(place).2,
            None => self.log.read(&pass.query, pass.after, self.pace.batch).await?,
        };
        if !page.more {
            self.seen = self.seen.max(page.up_to);
            for (place, _) in pass.tracks.iter().filter(|(_, build)| *build == Build::Beside) {
                self.units[*place].beside_is_there = true;
            }
        }
        if page.up_to <= pass.after {
            return Ok(false);
        }
        let first = pass.tracks.first().map(|(place, _)| self.units[*place].leases.clone()).unwrap_or_default();
        self.remember_origin(&first).await?;
        let read = async {
            if page.more { Some(self.log.read(&pass.query, page.up_to, self.pace.batch).await) } else { None }
        };
        let span = spans::page(pass.tracks.iter().flat_map(|(place, _)| self.units[*place].names()), pass.after, &page);
        let (stopped, next) = both(self.fold(pass, &page).instrument(span), read).await;
        let stopped = stopped?;
        for (place, build) in pass.tracks.iter().filter(|(place, _)| !stopped.contains(place)) {
            let unit = &mut self.units[*place];
            let at = if *build == Build::Live { &mut unit.live_at } else { &mut unit.beside_at };
            let before = at.unwrap_or_default();
            *at = at.map(|at| at.max(page.up_to));
            self.standings.folded(unit.names(), *build == Build::Beside, before, &page);
        }
        // What failed is read again when its turn comes, and the failure told then.
        if let Some(Ok(next)) = next {
            if self.ahead.len() == MOST_AHEAD {
                self.ahead.remove(0);
            }
            self.ahead.push((pass.query.clone(), page.up_to, next));
        }
        for place in stopped {
            self.units[place].learn(&*self.store).await?;
        }
        Ok(true)
    }

    /// Folds a page, in one transaction. Returns the units of async projections that did not come to its end.
    async fn fold(&self, pass: &Pass, page: &Page) -> Result<Vec<usize>, StoreError> {
        let leases: Vec<Lease> = {
            let mut places: Vec<usize> = pass.tracks.iter().map(|(place, _)| *place).collect();
            places.sort_unstable();
            places.dedup();
            places.into_iter().flat_map(|place| self.units[place].leases.iter().cloned()).collect()
        };
        let mut stopped = Vec::new();
        let mut tx = self.store.begin(&leases).await?;
        for (place, build) in &pass.tracks {
            if !self.units[*place].engine(*build).apply(&mut *tx, &page.events, page.up_to).await? {
                stopped.push(*place);
            }
        }
        tx.commit().await?;
        Ok(stopped)
    }

    /// Puts views that have been built beside others in their places.
    async fn switch(&mut self) {
        for place in 0..self.units.len() {
            let unit = &self.units[place];
            if !runs(unit) || !unit.may_switch() {
                continue;
            }
            match self.replace(place).await {
                Ok(()) => {
                    let unit = &mut self.units[place];
                    unit.live_at = unit.beside_at.take();
                    let at = unit.live_at.unwrap_or_default();
                    tracing::info!(projections = ?unit.names(), position = %at, "built anew, and in place");
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
        }
        tx.commit().await
    }
}

/// Whether a unit follows the log at present.
fn runs(unit: &Unit) -> bool {
    unit.is_held() && !unit.paused && !unit.parked && unit.replay.is_none()
}

/// What a future panics with; it does not end otherwise.
async fn unpanicked(future: impl Future<Output = ()>) -> String {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready("it ended".into()),
        Err(panic) => Poll::Ready(panic_message(&*panic)),
    })
    .await
}
