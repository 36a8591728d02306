//! Whether the views are of this log at all, and of what it still holds.
//!
//! A read database that another log has filled would be read as this one's. So a read database remembers the first event of the
//! log that it was folded from, as a checkpoint of its own.
//!
//! A log may also lose its last events: it was restored from a backup, or has failed over to a server that lacks them. A
//! checkpoint therefore says which event is at its position, and a projection that is at an event which the log does not hold is
//! rebuilt. That is looked at with every new lease and with every page.

use std::time::Instant;

use super::change::Change;
use super::scan::Pass;
use super::unit::Build;
use super::worker::Worker;
use crate::projection::lost::{lost_text, parked};
use cqrs_core::log::{EventLog, EventQuery, Page};
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Checkpoint, Lease, Parked};

/// The name that the log's first event is remembered under: the position is the event's, the fingerprint of its id.
const ORIGIN: &str = "@log";

impl Worker {
    /// Makes sure that the views are not another log's, as far as the read database knows.
    pub(super) async fn check_origin(&mut self) -> Result<(), StoreError> {
        if self.knows_origin {
            return Ok(());
        }
        let Some(known) = self.store.checkpoint(ORIGIN).await? else { return Ok(()) };
        self.compare(known, origin(&*self.log).await?)
    }

    /// Has the read database remember the log, before the first event is folded.
    pub(super) async fn remember_origin(&mut self, leases: &[Lease]) -> Result<(), StoreError> {
        let ours = origin(&*self.log).await?;
        let mut tx = self.store.begin(leases).await?;
        let known = tx.checkpoints(&[ORIGIN]).await?.into_iter().flatten().next();
        if let (None, Some(ours)) = (known, ours) {
            tx.set_checkpoints(&[(ORIGIN, ours)]).await?;
            tx.commit().await?;
        }
        known.or(ours).map_or(Ok(()), |known| self.compare(known, ours))
    }

    fn compare(&mut self, known: Checkpoint, ours: Option<Checkpoint>) -> Result<(), StoreError> {
        // One that an older version has stored has no id, and its fingerprint is made of it.
        let identity = |origin: Checkpoint| (origin.position, origin.fingerprint);
        if Some(identity(known)) == ours.map(identity) {
            self.knows_origin = true;
            return Ok(());
        }
        let reason = format!(
            "its views were folded from another log than {}: give the views of this one a database (or a schema) of their \
             own, or empty this one",
            self.log.describe()
        );
        let foreign = StoreError::Failed { store: self.store.describe(), reason };
        self.foreign = Some(foreign.clone());
        Err(foreign)
    }

    /// Has a unit rebuilt, or parks it, whose position is at an event that the log does not hold.
    pub(super) async fn require_history(&mut self, place: usize) -> Result<(), StoreError> {
        let unit = &self.units[place];
        let builds: Vec<(Build, Bookmark)> =
            [Build::Live, Build::Beside].into_iter().filter_map(|build| Some((build, unit.at(build)?))).collect();
        let lost = self.lost(&builds).await?;
        self.heal(place, &lost).await
    }

    /// Which builds of a pass are at an event that the log does not hold. The page was read after the lowest of them, which it tells;
    /// the log is asked for the others.
    pub(super) async fn lost_tracks(&self, pass: &Pass, page: &Page) -> Result<Vec<(usize, Build)>, StoreError> {
        let mut lost = Vec::new();
        let mut others = Vec::new();
        for &(place, build) in &pass.tracks {
            let Some(at) = self.units[place].at(build) else { continue };
            if at.position > pass.after {
                others.push(((place, build), at));
            } else if !page.continues(at) {
                lost.push((place, build));
            }
        }
        lost.extend(self.lost(&others).await?);
        Ok(lost)
    }

    /// Those whose bookmarks the log does not hold.
    async fn lost<T: Copy>(&self, builds: &[(T, Bookmark)]) -> Result<Vec<T>, StoreError> {
        if builds.is_empty() {
            return Ok(Vec::new());
        }
        let bookmarks: Vec<Bookmark> = builds.iter().map(|(_, at)| *at).collect();
        let held = self.log.holds(&bookmarks).await?;
        Ok(builds.iter().zip(held).filter(|(_, held)| !held).map(|((build, _), _)| *build).collect())
    }

    /// Has a unit rebuilt, or parks it, where these builds of it are at events that the log has lost.
    pub(super) async fn heal(&mut self, place: usize, lost: &[Build]) -> Result<(), StoreError> {
        let Some(at) = lost.first().and_then(|build| self.units[place].at(*build)) else { return Ok(()) };
        // What was read ahead may be of the log as it was.
        self.ahead.clear();
        let last = self.log.last().await?;
        let text = lost_text(at, last);
        let unit = &mut self.units[place];
        tracing::warn!(projections = ?unit.projections, "{text}");
        let live_is_lost = lost.contains(&Build::Live);
        if let Some((_, keeper)) = unit.part {
            // All its parts are rebuilt together, by whoever can have them.
            (unit.may_ask, unit.live_at, unit.beside_at) = (false, None, None);
            self.leave(place).await;
            let keeper = &mut self.units[keeper];
            (keeper.lost, keeper.change, keeper.ask_at) = (Some(text), Some(Change::Rebuild), Instant::now());
            return Ok(());
        }
        if unit.folds() {
            if live_is_lost {
                unit.lost = Some(text);
                unit.withdraw(&*self.store).await?;
            }
            if lost.contains(&Build::Beside) || unit.beside_at.is_none() {
                unit.start_beside(&*self.store).await?;
            }
            self.show(place);
            return Ok(());
        }
        // Only its owner knows what its tables hold: a rebuild goes on from there.
        let parked: Vec<Parked> = unit.names().iter().map(|name| parked(name, last, &text)).collect();
        let mut tx = self.store.begin(&unit.leases).await?;
        tx.park(&parked).await?;
        tx.commit().await?;
        unit.parked = true;
        Ok(())
    }
}

/// What a read database remembers of a log: `None` while it is empty.
async fn origin(log: &dyn EventLog) -> Result<Option<Checkpoint>, StoreError> {
    let first = log.read(&EventQuery::all(), Position::START, 1).await?;
    Ok(first.events.first().map(|event| {
        let (high, low) = event.header().id.as_u64_pair();
        Checkpoint::at(event.into(), high ^ low)
    }))
}
