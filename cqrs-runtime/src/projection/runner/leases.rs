//! Which projections a process runs: leases that are acquired, renewed, released, and wanted from other processes.
//!
//! A process that needs a projection held by another takes a lease named `PROJECTION@wanted`. The holder looks for such leases whenever it
//! renews its own, releases the projection, and does not ask for it while it is wanted. The process that wanted it does its work and
//! releases both leases. If it dies, its `@wanted` lease expires. A holder that hangs releases nothing, but its lease expires too.

use std::time::{Duration, Instant};

use super::change::Change;
use super::group::ASKS;
use super::progress::PartitionProgress;
use super::worker::Worker;
use crate::model::error::OperationError;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::Lease;

/// The shortest time to wait for a projection that another process does not release.
const LEAST_PATIENCE: Duration = Duration::from_secs(2);

impl Worker {
    /// Acquires and renews the leases that are due, and reads the state of their projections.
    pub(super) async fn ask_for_leases(&mut self) {
        let now = Instant::now();
        let due: Vec<usize> = (0..self.groups.len()).filter(|&place| self.groups[place].leases.ask_at <= now).collect();
        if due.is_empty() {
            return;
        }
        if let Err(error) = self.ask(&due, now).await {
            for place in due {
                self.fail(&[place], &error);
            }
        }
    }

    async fn ask(&mut self, due: &[usize], now: Instant) -> Result<(), StoreError> {
        self.check_origin().await?;
        for &place in due {
            if self.groups[place].manages_partitions() {
                self.look(place, now).await?;
            }
            self.want(place).await?;
        }
        let heeded: Vec<Vec<&'static str>> = due.iter().map(|&place| self.groups[place].heeded_names()).collect();
        let mut holders = self.store.holders(&heeded.concat()).await?.into_iter();
        let mut ours = Vec::new();
        for (&place, names) in due.iter().zip(heeded) {
            let owners: Vec<String> = holders.by_ref().take(names.len()).flatten().collect();
            let group = &mut self.groups[place];
            group.leases.ask_at = now + self.timing.lease / 3;
            if owners.iter().any(|owner| *owner != self.owner) && !group.is_kept() {
                self.hand_over(place).await;
            } else if group.partitions.change.is_some() || group.partitions.gathered.is_some() {
                group.leases.ask_at = now + self.timing.lease / ASKS;
                self.keep_gathered(place).await?;
                self.gather(place).await?;
                self.wait_for(place).await;
            } else if group.leases.is_held() || group.is_to_be_asked_for() {
                ours.push(place);
            } else if group.partitions.part.is_none() {
                self.leave(place).await;
                self.wait_for(place).await;
            }
        }
        let names: Vec<&'static str> = ours.iter().flat_map(|&place| self.groups[place].names()).copied().collect();
        if names.is_empty() {
            return Ok(());
        }
        let mut answers = self.store.lease(&names, &self.owner, self.timing.lease).await?.into_iter();
        for place in ours {
            let group = &mut self.groups[place];
            let leases: Vec<Option<Lease>> = answers.by_ref().take(group.names().len()).collect();
            if leases.iter().all(Option::is_some) {
                let leases: Vec<Lease> = leases.into_iter().flatten().collect();
                group.leases.granted.clone_from(&leases);
                if group.leases.held != leases {
                    group.leases.held = leases;
                    self.learn(place).await;
                }
            } else {
                group.leases.granted = leases.into_iter().flatten().collect();
                self.leave(place).await;
                self.wait_for(place).await;
            }
        }
        Ok(())
    }

    /// Asks other processes to release a group that has requests here and is not held here.
    async fn want(&mut self, place: usize) -> Result<(), StoreError> {
        let group = &mut self.groups[place];
        // A change of the number of partitions comes first, and is not forced on other processes.
        let is_requested = !group.operator.requests.is_empty()
            && !group.leases.is_held()
            && group.partitions.gathered.is_none()
            && group.partitions.change != Some(Change::Split);
        if group.leases.wanted.is_empty() && !is_requested && !group.forces() {
            return Ok(());
        }
        if is_requested {
            group.operator.requested_since.get_or_insert_with(Instant::now);
        }
        let names = group.wanted_names();
        let leases = self.store.lease(&names, &self.owner, self.timing.lease).await?;
        let all = leases.iter().all(Option::is_some);
        group.leases.wanted = leases.into_iter().flatten().collect();
        if !all {
            // Another process wants it too, and was first.
            self.release(place).await;
        }
        Ok(())
    }

    /// How long a request waits for a projection that other processes run.
    pub(super) fn patience(&self) -> Duration {
        (self.timing.lease * 3).max(LEAST_PATIENCE)
    }

    /// Asks again soon for what is wanted, and gives up if it is not released in time.
    async fn wait_for(&mut self, place: usize) {
        let patience = self.patience();
        let group = &mut self.groups[place];
        if group.operator.requests.is_empty() || group.partitions.gathered.is_some() {
            return;
        }
        group.leases.ask_at = Instant::now() + self.timing.lease / ASKS;
        if group.operator.requested_since.is_some_and(|since| since.elapsed() > patience) {
            for enqueue in std::mem::take(&mut group.operator.requests) {
                enqueue.refuse(OperationError::NotHandedOver { projection: group.projection(), waited: patience });
            }
            self.give_back(place).await;
        }
    }

    /// Releases a group that another process wants.
    async fn hand_over(&mut self, place: usize) {
        if self.groups[place].leases.is_held() {
            tracing::info!(projections = ?self.groups[place].projections, "released to another process, which asked for it");
        }
        self.leave(place).await;
        self.groups[place].leases.ask_at = Instant::now() + self.timing.lease / ASKS;
        self.wait_for(place).await;
    }

    /// Releases a group that was wanted from other processes, when everything it was wanted for is done.
    pub(super) async fn give_back(&mut self, place: usize) {
        self.groups[place].operator.requested_since = None;
        if self.groups[place].leases.wanted.is_empty() {
            return;
        }
        self.leave(place).await;
        self.release(place).await;
        self.groups[place].leases.ask_at = Instant::now() + self.timing.lease / 3;
    }

    /// Stops wanting a group.
    async fn release(&mut self, place: usize) {
        let wanted = std::mem::take(&mut self.groups[place].leases.wanted);
        self.let_go(&wanted).await;
    }

    /// Stops running a group, which another process may partly hold, and releases the leases granted to this one.
    pub(super) async fn leave(&mut self, place: usize) {
        let group = &mut self.groups[place];
        group.leases.held.clear();
        let granted = std::mem::take(&mut group.leases.granted);
        if let Some((_, answer)) = group.operator.replay.take() {
            let _ = answer.send(Err(OperationError::TakenOver { projection: group.projection() }));
        }
        match group.partitions.part {
            Some((part, _)) => {
                self.progress_table
                    .change_partition(group.projections[0], part, |progress| *progress = PartitionProgress::default());
            }
            // Its partitions report their own state.
            None if group.manages_partitions() => {}
            None => self.progress_table.change(&group.projections, |progress| {
                (progress.reached, progress.shadow, progress.elsewhere) = (None, None, true);
                (progress.failures, progress.error) = (0, None);
            }),
        }
        self.let_go(&granted).await;
    }

    pub(super) async fn let_go(&self, leases: &[Lease]) {
        if !leases.is_empty()
            && let Err(error) = self.store.release(leases).await
        {
            tracing::debug!(%error, "a lease could not be released; it expires");
        }
    }
}
