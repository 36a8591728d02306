//! Checks that the views belong to this log, and to what it still holds.
//!
//! A read database that was filled from another log would be read as if it were this log's. So a read database stores the first event of
//! the log that it was folded from, as a checkpoint.
//!
//! A log may also lose its last events: it was restored from a backup, or has failed over to a server that lacks them. A checkpoint
//! therefore has the id of the event at its position. A projection whose position is at an event that the log does not hold is rebuilt.
//! This is checked with every new lease and with every page.

use std::time::Instant;

use super::change::Change;
use super::group::Build;
use super::scan::Pass;
use super::worker::Worker;
use crate::projection::lost::{lost_text, parked};
use cqrs_core::log::{EventLog, EventQuery, Page};
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Checkpoint, Lease, Parked};

/// The checkpoint that identifies the log: the position of its first event, and a fingerprint of that event's id.
const ORIGIN: &str = "@log";

impl Worker {
    /// Checks that the views are not another log's, if the read database already knows its log.
    pub(super) async fn check_origin(&mut self) -> Result<(), StoreError> {
        if self.knows_origin {
            return Ok(());
        }
        let Some(known) = self.store.checkpoint(ORIGIN).await? else { return Ok(()) };
        self.compare(known, origin(&*self.log).await?)
    }

    /// Stores the log's identity in the read database, before the first event is folded.
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
        // A checkpoint of an older version has no id; its fingerprint is made of it.
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

    /// Rebuilds a group whose position is at an event that the log does not hold, or parks it.
    pub(super) async fn require_history(&mut self, place: usize) -> Result<(), StoreError> {
        let group = &self.groups[place];
        let builds: Vec<(Build, Bookmark)> = [Build::Live, Build::Shadow]
            .into_iter()
            .filter_map(|build| Some((build, group.builds.at(build)?)))
            .collect();
        let lost = self.lost(&builds).await?;
        self.heal(place, &lost).await
    }

    /// The builds of a pass that are at an event which the log does not hold. The page was read after the lowest of them, so it shows that
    /// one; the log is asked about the others.
    pub(super) async fn lost_tracks(&self, pass: &Pass, page: &Page) -> Result<Vec<(usize, Build)>, StoreError> {
        let mut lost = Vec::new();
        let mut others = Vec::new();
        for &(place, build) in &pass.tracks {
            let Some(at) = self.groups[place].builds.at(build) else { continue };
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

    /// Rebuilds a group whose builds are at lost events, or parks it.
    pub(super) async fn heal(&mut self, place: usize, lost: &[Build]) -> Result<(), StoreError> {
        let Some(at) = lost.first().and_then(|build| self.groups[place].builds.at(*build)) else { return Ok(()) };
        // Pages that were read ahead may contain lost events.
        self.ahead.clear();
        let last = self.log.last().await?;
        let text = lost_text(at, last);
        let group = &mut self.groups[place];
        tracing::warn!(projections = ?group.projections, "{text}");
        let live_is_lost = lost.contains(&Build::Live);
        if let Some((_, keeper)) = group.partitions.part {
            // All partitions are rebuilt together, by whichever process can hold them all.
            group.partitions.may_ask = false;
            group.builds.forget();
            self.leave(place).await;
            let keeper = &mut self.groups[keeper];
            (keeper.lost, keeper.partitions.change, keeper.leases.ask_at) =
                (Some(text), Some(Change::Rebuild), Instant::now());
            return Ok(());
        }
        if group.folds() {
            if live_is_lost {
                group.lost = Some(text);
                group.withdraw(&*self.store).await?;
            }
            if lost.contains(&Build::Shadow) || group.builds.shadow_at.is_none() {
                group.start_shadow(&*self.store).await?;
            }
            self.show(place);
            return Ok(());
        }
        // Only the owner of the tables knows what they hold. A rebuild continues from there.
        let parked: Vec<Parked> = group.names().iter().map(|name| parked(name, last, &text)).collect();
        let mut tx = self.store.begin(&group.leases.held).await?;
        tx.park(&parked).await?;
        tx.commit().await?;
        group.parked = true;
        Ok(())
    }
}

/// The identity of a log: `None` while it is empty.
async fn origin(log: &dyn EventLog) -> Result<Option<Checkpoint>, StoreError> {
    let first = log.read(&EventQuery::all(), Position::START, 1).await?;
    Ok(first.events.first().map(|event| {
        let (high, low) = event.header().id.as_u64_pair();
        Checkpoint::at(event.into(), high ^ low)
    }))
}
