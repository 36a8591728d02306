//! Claims: of the processes that run a policy, one at a time acts outside.
//!
//! A claim is stored in the policy's checkpoint, in place of a fingerprint. It says which process works on the event that
//! follows. It needs no clock that processes share, and costs nothing while there is no event.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::checkpoint::{NO_ROWS, checkpoints};
use super::reaction::PolicyInfo;
use crate::bus::services::Services;
use cqrs_core::position::Bookmark;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::Checkpoint;

/// No process works on the event.
const NOBODY: u64 = NO_ROWS;

/// A runner, as other processes see it.
pub(super) struct Claimant {
    own: u64,
    lease: Duration,
    /// The rival that it waits for: the checkpoint as first seen, and when.
    rival: Option<(Checkpoint, Instant)>,
    /// Whether it has claimed an event that it has not handled yet.
    claims: bool,
}

/// The result of a claim.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// This runner handles the event.
    Ours,
    /// Another process works on it.
    Theirs,
    /// Another process has handled it.
    Done,
    /// The log has lost the event, or what was handled before it.
    Lost,
}

impl Claimant {
    /// A claimant that takes over from another process when that has made no progress for `lease`.
    pub(super) fn new(lease: Duration) -> Self {
        Self { own: Uuid::now_v7().as_u64_pair().1, lease, rival: None, claims: false }
    }

    /// Claims an event.
    pub(super) async fn claim(
        &mut self,
        services: &Services,
        info: &'static PolicyInfo,
        event: Bookmark,
    ) -> Result<Claim, StoreError> {
        if self.rival.is_some() && self.waits_still(services, info).await? {
            return Ok(Claim::Theirs);
        }
        let mut tx = services.log.begin().await?;
        let views = checkpoints(&mut *tx, &services.log.describe())?;
        let known = views.checkpoints(&[info.owner]).await?.pop().flatten();
        let known = known.unwrap_or(Checkpoint::at(Bookmark::START, NOBODY));
        if !tx.holds(&[event, known.bookmark()]).await?.into_iter().all(|held| held) {
            return Ok(Claim::Lost);
        }
        if known.position >= event.position {
            self.rival = None;
            return Ok(Claim::Done);
        }
        if ![NOBODY, self.own].contains(&known.fingerprint) && !self.has_waited_for(known) {
            return Ok(Claim::Theirs);
        }
        self.rival = None;
        if known.fingerprint != self.own {
            let views = checkpoints(&mut *tx, &services.log.describe())?;
            views.set_checkpoints(&[(info.owner, Checkpoint { fingerprint: self.own, ..known })]).await?;
            tx.commit().await?;
        }
        self.claims = true;
        Ok(Claim::Ours)
    }

    /// Releases its claim, so that another process handles the event at once.
    pub(super) async fn release(&mut self, services: &Services, info: &'static PolicyInfo) -> Result<(), StoreError> {
        if !std::mem::take(&mut self.claims) {
            return Ok(());
        }
        let mut tx = services.log.begin().await?;
        let views = checkpoints(&mut *tx, &services.log.describe())?;
        match views.checkpoints(&[info.owner]).await?.pop().flatten() {
            Some(known) if known.fingerprint == self.own => {
                views.set_checkpoints(&[(info.owner, Checkpoint { fingerprint: NOBODY, ..known })]).await?;
                tx.commit().await
            }
            _ => Ok(()),
        }
    }

    /// The claim to store with a checkpoint that this runner moves: its own claim ends, another's stays.
    pub(super) fn left_of(&self, known: Option<Checkpoint>) -> u64 {
        known.map(|known| known.fingerprint).filter(|&claimed| claimed != self.own).unwrap_or(NOBODY)
    }

    /// Whether the rival has made no progress and its time is not up. Takes no lock.
    async fn waits_still(&mut self, services: &Services, info: &'static PolicyInfo) -> Result<bool, StoreError> {
        let Some(views) = services.log.views() else { return Ok(false) };
        let known = views.checkpoint(info.owner).await?;
        Ok(self.rival.is_some_and(|(seen, since)| known == Some(seen) && since.elapsed() < self.lease))
    }

    /// Whether the rival's time is up.
    fn has_waited_for(&mut self, known: Checkpoint) -> bool {
        match self.rival {
            Some((seen, since)) if seen == known => since.elapsed() >= self.lease,
            _ => {
                self.rival = Some((known, Instant::now()));
                false
            }
        }
    }
}
