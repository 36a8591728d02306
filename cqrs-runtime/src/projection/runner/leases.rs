//! Which projections a process runs: leases that are taken, renewed, handed over, and wanted from others.
//!
//! Whoever needs a projection that another process runs takes a lease named `PROJECTION@wanted`. The other one looks for such
//! leases whenever it renews its own, gives the projection back, and does not ask for it again while it is wanted. Who wanted
//! it does what it has to, and gives both back. Should it die, its wish ends with its lease; and one that hangs hands nothing
//! over, but is overtaken when its lease has run out.

use std::time::{Duration, Instant};

use super::change::Change;
use super::progress::PartStanding;
use super::unit::{ASKS, Unit, Wish};
use super::worker::Worker;
use crate::model::error::OperationError;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::Lease;

/// For how long at least a projection is waited for that another process does not hand over.
const LEAST_PATIENCE: Duration = Duration::from_secs(2);

impl Worker {
    /// Takes and renews the leases that are due, and learns where their projections stand.
    pub(super) async fn ask_for_leases(&mut self) {
        let now = Instant::now();
        let due: Vec<usize> = (0..self.units.len()).filter(|&place| self.units[place].ask_at <= now).collect();
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
            if self.units[place].keeps_parts() {
                self.look(place, now).await?;
            }
            self.want(place).await?;
        }
        let heeded: Vec<Vec<&'static str>> = due.iter().map(|&place| self.units[place].heeded_names()).collect();
        let mut holders = self.store.holders(&heeded.concat()).await?.into_iter();
        let mut ours = Vec::new();
        for (&place, names) in due.iter().zip(heeded) {
            let owners: Vec<String> = holders.by_ref().take(names.len()).flatten().collect();
            let unit = &mut self.units[place];
            unit.ask_at = now + self.pace.lease / 3;
            if owners.iter().any(|owner| *owner != self.owner) && !unit.is_kept() {
                self.hand_over(place).await;
            } else if unit.change.is_some() || unit.gathered.is_some() {
                unit.ask_at = now + self.pace.lease / ASKS;
                self.keep_gathered(place).await?;
                self.gather(place).await?;
                self.wait_for(place).await;
            } else if unit.is_held() || unit.is_to_be_asked_for() {
                ours.push(place);
            } else if unit.part.is_none() {
                self.leave(place).await;
                self.wait_for(place).await;
            }
        }
        let names: Vec<&'static str> = ours.iter().flat_map(|&place| self.units[place].names()).copied().collect();
        if names.is_empty() {
            return Ok(());
        }
        let mut answers = self.store.lease(&names, &self.owner, self.pace.lease).await?.into_iter();
        for place in ours {
            let unit = &mut self.units[place];
            let leases: Vec<Option<Lease>> = answers.by_ref().take(unit.names().len()).collect();
            if leases.iter().all(Option::is_some) {
                let leases: Vec<Lease> = leases.into_iter().flatten().collect();
                unit.granted.clone_from(&leases);
                if unit.leases != leases {
                    unit.leases = leases;
                    self.learn(place).await;
                }
            } else {
                unit.granted = leases.into_iter().flatten().collect();
                self.leave(place).await;
                self.wait_for(place).await;
            }
        }
        Ok(())
    }

    /// Has others hand over a unit that this process has wishes for and does not run.
    async fn want(&mut self, place: usize) -> Result<(), StoreError> {
        let unit = &mut self.units[place];
        // Where it is to be split otherwise, that comes first, and is not forced on others.
        let is_wished =
            !unit.wishes.is_empty() && !unit.is_held() && unit.gathered.is_none() && unit.change != Some(Change::Split);
        if unit.wanted.is_empty() && !is_wished && !unit.forces() {
            return Ok(());
        }
        if is_wished {
            unit.wished_since.get_or_insert_with(Instant::now);
        }
        let names = unit.wanted_names();
        let leases = self.store.lease(&names, &self.owner, self.pace.lease).await?;
        let all = leases.iter().all(Option::is_some);
        unit.wanted = leases.into_iter().flatten().collect();
        if !all {
            // Somebody else wants it too: his turn comes first.
            self.release(place).await;
        }
        Ok(())
    }

    /// For how long a wish waits for a projection that other processes run.
    pub(super) fn patience(&self) -> Duration {
        (self.pace.lease * 3).max(LEAST_PATIENCE)
    }

    /// Asks again soon for what is wanted, and gives up where it is not handed over.
    async fn wait_for(&mut self, place: usize) {
        let patience = self.patience();
        let unit = &mut self.units[place];
        if unit.wishes.is_empty() || unit.gathered.is_some() {
            return;
        }
        unit.ask_at = Instant::now() + self.pace.lease / ASKS;
        if unit.wished_since.is_some_and(|since| since.elapsed() > patience) {
            for wish in std::mem::take(&mut unit.wishes) {
                wish.refuse(OperationError::NotHandedOver { projection: unit.projection(), waited: patience });
            }
            self.give_back(place).await;
        }
    }

    /// Leaves a unit to another process that wants it, until it is done.
    async fn hand_over(&mut self, place: usize) {
        if self.units[place].is_held() {
            tracing::info!(projections = ?self.units[place].projections, "handed over to another process, which has asked for it");
        }
        self.leave(place).await;
        self.units[place].ask_at = Instant::now() + self.pace.lease / ASKS;
        self.wait_for(place).await;
    }

    /// Gives a unit back that was wanted from others, when all is done that it was wanted for.
    pub(super) async fn give_back(&mut self, place: usize) {
        self.units[place].wished_since = None;
        if self.units[place].wanted.is_empty() {
            return;
        }
        self.leave(place).await;
        self.release(place).await;
        self.units[place].ask_at = Instant::now() + self.pace.lease / 3;
    }

    /// Wants a unit no longer.
    async fn release(&mut self, place: usize) {
        let wanted = std::mem::take(&mut self.units[place].wanted);
        self.let_go(&wanted).await;
    }

    /// Leaves a unit to another process, which may have a part of it already, and gives back what this one was granted.
    pub(super) async fn leave(&mut self, place: usize) {
        let unit = &mut self.units[place];
        unit.leases.clear();
        let granted = std::mem::take(&mut unit.granted);
        if let Some((_, answer)) = unit.replay.take() {
            let _ = answer.send(Err(OperationError::TakenOver { projection: unit.projection() }));
        }
        match unit.part {
            Some((part, _)) => {
                self.standings.change_part(unit.projections[0], part, |standing| *standing = PartStanding::default());
            }
            // Its parts tell.
            None if unit.keeps_parts() => {}
            None => self.standings.change(&unit.projections, |standing| {
                (standing.reached, standing.beside, standing.elsewhere) = (None, None, true);
                (standing.failures, standing.error) = (0, None);
            }),
        }
        self.let_go(&granted).await;
    }

    pub(super) async fn let_go(&self, leases: &[Lease]) {
        if !leases.is_empty()
            && let Err(error) = self.store.release(leases).await
        {
            tracing::debug!(%error, "a lease could not be given back: it runs out");
        }
    }
}

impl Unit {
    /// Lets all who wait for something to be done know that it is not.
    pub(super) fn refuse(&mut self, error: &OperationError) {
        let wishes: Vec<Wish> = self.wishes.drain(..).collect();
        for wish in wishes {
            wish.refuse(error.clone());
        }
        if let Some((_, answer)) = self.replay.take() {
            let _ = answer.send(Err(error.clone()));
        }
    }
}
