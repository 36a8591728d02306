//! Changes all partitions of a projection at once: their number, the begin of a rebuild, or the switch to the new rows.
//!
//! Each change holds the leases of the projection and of every partition, so that none of them moves during it. Before the number of
//! partitions changes, all of them catch up to the furthest position that any has reached. Then a key can move to another partition
//! without an event being folded twice, and without a removed row being forgotten.

use std::sync::Arc;
use std::time::Instant;

use super::change::{Behind, Change, Gathered, Seen};
use super::group::{ProjectionGroup, built, withdrawn};
use super::pending::{PendingRequest, Waiting};
use super::progress::PartitionProgress;
use super::worker::Worker;
use crate::model::error::OperationError;
use crate::projection::lost::lost_text;
use crate::projection::partition::{Partition, Stored};
use crate::projection::{Engine, partition};
use cqrs_core::log::EventQuery;
use cqrs_core::position::Bookmark;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Lease, ViewTransaction};

impl Worker {
    /// Acquires everything that a change needs, if it can be had.
    pub(super) async fn gather(&mut self, place: usize) -> Result<(), StoreError> {
        let group = &self.groups[place];
        let Some(change) = group.partitions.change.filter(|_| group.partitions.gathered.is_none()) else {
            return Ok(());
        };
        if group.forces() && group.leases.wanted.is_empty() {
            // Another process is doing it.
            return Ok(());
        }
        let mut names = group.stored.clone();
        names.extend(group.partitions.seen.partition_names(group));
        if !group.forces() {
            let holders = self.store.holders(&names).await?;
            if holders.iter().flatten().any(|owner| *owner != self.owner) {
                self.cannot_change(place, change);
                return Ok(());
            }
        }
        let leases: Vec<Lease> =
            self.store.lease(&names, &self.owner, self.timing.lease).await?.into_iter().flatten().collect();
        if leases.len() < names.len() {
            let own: Vec<&Lease> = self.groups.iter().flat_map(|group| &group.leases.granted).collect();
            let part: Vec<Lease> = leases.into_iter().filter(|lease| !own.contains(&lease)).collect();
            self.let_go(&part).await;
            return Ok(());
        }
        let mut tx = self.store.begin(&leases).await?;
        let seen = Seen::in_transaction(&mut *tx, &self.groups[place]).await?;
        drop(tx);
        self.stop_partitions(place);
        // Its position may have been lost before the partitions were stopped.
        let live_lost = self.first_lost(&seen.live, seen.is_live(&self.groups[place])).await?;
        let shadow_lost = self.first_lost(&seen.shadow, seen.is_shadow(&self.groups[place])).await?;
        self.groups[place].lost = match live_lost {
            Some(at) => Some(lost_text(at, self.log.last().await?)),
            // Another process has rebuilt it since.
            None => None,
        };
        let is_lost = live_lost.or(shadow_lost).is_some();
        let change = if is_lost { Change::Rebuild } else { change };
        let group = &self.groups[place];
        let is_had = seen.partition_names(group).iter().all(|name| names.contains(name));
        if !is_had || !(is_lost || is_due(group, change, &seen)) {
            // It changed before all of it could be acquired.
            self.let_go(&leases).await;
            self.groups[place].partitions.change = None;
            return Ok(());
        }
        let gathered = self.plan(place, change, seen, leases).await?;
        self.groups[place].partitions.gathered = Some(gathered);
        Ok(())
    }

    /// The first bookmark of a build of this program's shape that the log does not hold.
    async fn first_lost(&self, stored: &[Stored], is_ours: bool) -> Result<Option<Bookmark>, StoreError> {
        let marks: Vec<Bookmark> = stored.iter().filter(|_| is_ours).flat_map(Stored::bookmarks).collect();
        let held = if marks.is_empty() { Vec::new() } else { self.log.holds(&marks).await? };
        Ok(marks.into_iter().zip(held).find(|(_, held)| !held).map(|(mark, _)| mark))
    }

    /// Renews the gathered leases. If one was taken over, the change is given up and decided again.
    pub(super) async fn keep_gathered(&mut self, place: usize) -> Result<(), StoreError> {
        let Some(gathered) = &self.groups[place].partitions.gathered else { return Ok(()) };
        let renewed = self.store.lease(&gathered.names(), &self.owner, self.timing.lease).await?;
        let renewed: Vec<Lease> = renewed.into_iter().flatten().collect();
        if renewed != gathered.leases {
            self.let_go(&renewed).await;
            let group = &mut self.groups[place];
            (group.partitions.gathered, group.partitions.change) = (None, None);
        }
        Ok(())
    }

    /// Other processes run it as it is, so the change of this one waits.
    fn cannot_change(&mut self, place: usize, change: Change) {
        let patience = self.patience();
        let group = &mut self.groups[place];
        group.partitions.change = None;
        let number = group.partitions.seen.live.first().map_or(1, Stored::number);
        let reason = match change {
            Change::Split => format!(
                "other processes run it with {number} partitions, and this one is configured for {}: it keeps {number} until they stop",
                group.partitions.split
            ),
            _ => "other processes run it, for a view of another shape".to_owned(),
        };
        // Another process with the same settings may be changing it right now.
        if !group.operator.requests.is_empty()
            && group.operator.requested_since.get_or_insert_with(Instant::now).elapsed() > patience
        {
            group
                .operator
                .refuse(&OperationError::Elsewhere { projection: group.projection(), reason: reason.clone() });
            group.operator.requested_since = None;
        }
        self.progress_table.change(&group.projections, |progress| {
            progress.elsewhere = true;
            progress.error = Some(reason.clone());
        });
    }

    /// Stops the partitions that this process runs.
    fn stop_partitions(&mut self, keeper: usize) {
        for group in &mut self.groups {
            if let Some((part, _)) = group.partitions.part.filter(|(_, of)| *of == keeper) {
                group.partitions.held_before |= group.leases.is_held();
                group.partitions.may_ask = false;
                group.builds.forget();
                group.leases.held.clear();
                group.leases.granted.clear();
                self.progress_table
                    .change_partition(group.projections[0], part, |progress| *progress = PartitionProgress::default());
            }
        }
        let group = &mut self.groups[keeper];
        group.builds.forget();
        group.leases.held.clear();
        group.leases.granted.clear();
    }

    async fn plan(&self, place: usize, change: Change, seen: Seen, leases: Vec<Lease>) -> Result<Gathered, StoreError> {
        let group = &self.groups[place];
        let furthest = |stored: &[Stored]| stored.iter().flat_map(Stored::bookmarks).reduce(later).unwrap_or_default();
        let (mut live_to, mut shadow_to) = (furthest(&seen.live), furthest(&seen.shadow));
        let head = self.log.last().await?;
        if change == Change::Switch && group.projections.len() == 1 {
            shadow_to = later(shadow_to, if seen.is_live(group) { live_to } else { head });
        }
        let mut behind = Vec::new();
        if change == Change::Split && seen.is_live(group) {
            behind.extend(self.partitions_behind(group, &group.live, &seen.live[0], live_to));
        }
        if change != Change::Rebuild && seen.is_shadow(group) {
            behind.extend(self.partitions_behind(group, &group.shadow, &seen.shadow[0], shadow_to));
        }
        if change == Change::Switch {
            live_to = shadow_to;
        }
        Ok(Gathered { leases, change, seen, behind, live_to, shadow_to })
    }

    /// The partitions of a build that are not at the target position.
    fn partitions_behind(
        &self,
        group: &ProjectionGroup,
        build: &Arc<Engine>,
        stored: &Stored,
        to: Bookmark,
    ) -> Vec<Behind> {
        let number = stored.number();
        let at = Partition::all(number).zip(stored.bookmarks()).filter(|(_, at)| at.position < to.position);
        let engine = |part: Partition| {
            if number == 1 {
                return Arc::clone(build);
            }
            let own = self.groups.iter().find(|other| {
                other.partitions.part.is_some_and(|(own, _)| own == part) && other.projections == group.projections
            });
            let is_live = Arc::ptr_eq(build, &group.live);
            if let Some(own) = own {
                return Arc::clone(if is_live { &own.live } else { &own.shadow });
            }
            let made = self.make_partition(group, 0, part);
            if is_live { made.live } else { made.shadow }
        };
        at.map(|(part, at)| Behind { engine: engine(part), at, to }).collect()
    }

    /// Gives each change in progress one page, or completes it. Returns whether there was any.
    pub(super) async fn change(&mut self) -> bool {
        let mut any = false;
        for place in 0..self.groups.len() {
            let Some(mut gathered) = self.groups[place].partitions.gathered.take() else { continue };
            any = true;
            let next = gathered.behind.iter().position(|behind| behind.at.position < behind.to.position);
            let done = match next {
                Some(next) => {
                    let brought_on = self.bring_on(&mut gathered, next).await;
                    brought_on.map(|()| self.groups[place].partitions.gathered = Some(gathered))
                }
                None => self.complete(place, gathered).await,
            };
            if let Err(error) = done {
                self.fail(&[place], &error);
            }
        }
        any
    }

    async fn bring_on(&self, gathered: &mut Gathered, next: usize) -> Result<(), StoreError> {
        let Behind { engine, at, to } = &mut gathered.behind[next];
        let names: Vec<&str> = engine.events().into_iter().collect();
        let page = self.log.read(&EventQuery::named(&names), at.position, self.timing.batch).await?;
        let up_to = if page.up_to < to.position { page.end() } else { *to };
        let own = page.events.partition_point(|event| event.position() <= to.position);
        let mut tx = self.store.begin(&gathered.leases).await?;
        engine.apply(&mut *tx, at.position, &page.events[..own], up_to).await?;
        tx.commit().await?;
        *at = up_to;
        Ok(())
    }

    async fn complete(&mut self, place: usize, mut gathered: Gathered) -> Result<(), StoreError> {
        let head = self.log.head().await?;
        let group = &self.groups[place];
        let mut tx = self.store.begin(&gathered.leases).await?;
        match gathered.change {
            Change::Split => split(&mut *tx, group, &gathered).await?,
            Change::Rebuild => {
                for shape in group.shadow.shapes() {
                    tx.prepare(shape).await?;
                }
                begin_anew(&mut *tx, group, &gathered.seen).await?;
                if group.lost.is_some() && gathered.seen.is_live(group) {
                    for (place, stored) in group.live.places().zip(&gathered.seen.live) {
                        remove_partitions(&mut *tx, stored, place.projection).await?;
                        tx.set_checkpoints(&[withdrawn(place)]).await?;
                    }
                }
            }
            Change::Switch => switch(&mut *tx, group, &gathered).await?,
        }
        tx.commit().await?;
        let group = &mut self.groups[place];
        let (at, number) = (gathered.live_to, group.partitions.split);
        tracing::info!(projections = ?group.projections, change = ?gathered.change, position = %at.position, number, "change of all partitions finished");
        match gathered.change {
            Change::Switch if number > 1 => {
                // It is whole now, and is partitioned again before its leases are released.
                let fingerprint = group.live.places().next().map_or(0, |place| place.shape.fingerprint);
                let whole = cqrs_core::view::Checkpoint::at(at, fingerprint);
                gathered.seen = Seen { live: vec![Stored::Whole(whole)], shadow: vec![Stored::Nothing] };
                (gathered.change, gathered.behind) = (Change::Split, Vec::new());
                group.partitions.change = Some(Change::Split);
                group.partitions.gathered = Some(gathered);
                return Ok(());
            }
            Change::Rebuild => {
                let text = group.lost.take();
                self.progress_table.change(&group.projections, |progress| progress.withdraw(text.as_ref()));
                let (rebuilds, others): (Vec<PendingRequest>, Vec<PendingRequest>) = group
                    .operator
                    .requests
                    .drain(..)
                    .partition(|enqueue| matches!(enqueue, PendingRequest::Rebuild(_)));
                group.operator.requests.extend(others);
                for enqueue in rebuilds {
                    if let PendingRequest::Rebuild(answer) = enqueue {
                        group.operator.waiting.push(Waiting::new(head, answer));
                    }
                }
            }
            Change::Split | Change::Switch => {}
        }
        group.partitions.change = None;
        group.failures = 0;
        group.partitions.seen = Seen::default();
        self.let_go(&gathered.leases).await;
        if self.groups[place].leases.wanted.is_empty() {
            self.groups[place].leases.ask_at = Instant::now();
        } else {
            self.give_back(place).await;
        }
        // Partitions that this process held before are asked for again at once; others after the next look at the store.
        for group in &mut self.groups {
            if group.partitions.part.is_some_and(|(_, keeper)| keeper == place)
                && std::mem::take(&mut group.partitions.held_before)
            {
                (group.partitions.may_ask, group.leases.ask_at) = (true, Instant::now());
            }
        }
        Ok(())
    }
}

fn later(one: Bookmark, other: Bookmark) -> Bookmark {
    if other.position > one.position { other } else { one }
}

/// Whether there is still something to do.
fn is_due(group: &ProjectionGroup, change: Change, seen: &Seen) -> bool {
    match change {
        Change::Split => true,
        Change::Rebuild => group.forces() || !seen.is_shadow(group),
        Change::Switch => group.projections.len() > 1 || seen.is_shadow(group),
    }
}

/// Removes the checkpoints of partitions. Their rows and parked keys carry the projection's name, and stay.
async fn remove_partitions(tx: &mut dyn ViewTransaction, stored: &Stored, name: &str) -> Result<(), StoreError> {
    for part in stored.partition_names(name) {
        tx.clear(None, part).await?;
    }
    Ok(())
}

async fn split(tx: &mut dyn ViewTransaction, group: &ProjectionGroup, gathered: &Gathered) -> Result<(), StoreError> {
    let Gathered { seen, live_to, shadow_to, .. } = gathered;
    let builds = [
        (&group.live, &seen.live, seen.is_live(group), *live_to),
        (&group.shadow, &seen.shadow, seen.is_shadow(group), *shadow_to),
    ];
    for (engine, stored, is_ours, at) in builds {
        if let (Some(place), Some(stored), true) = (engine.places().next(), stored.first(), is_ours) {
            remove_partitions(tx, stored, place.projection).await?;
            let to = partition::checkpoints(place.projection, place.shape.fingerprint, group.partitions.split, at);
            tx.set_checkpoints(&to).await?;
        }
    }
    Ok(())
}

async fn begin_anew(tx: &mut dyn ViewTransaction, group: &ProjectionGroup, seen: &Seen) -> Result<(), StoreError> {
    for (place, stored) in group.shadow.places().zip(&seen.shadow) {
        remove_partitions(tx, stored, place.projection).await?;
        tx.clear(Some(&place.shape), place.projection).await?;
        let start =
            partition::checkpoints(place.projection, place.shape.fingerprint, group.partitions.split, Bookmark::START);
        tx.set_checkpoints(&start).await?;
    }
    Ok(())
}

async fn switch(tx: &mut dyn ViewTransaction, group: &ProjectionGroup, gathered: &Gathered) -> Result<(), StoreError> {
    let Gathered { seen, shadow_to, .. } = gathered;
    for (((live, shadow), was), stored) in group.places().into_iter().zip(&seen.live).zip(&seen.shadow) {
        remove_partitions(tx, was, live.projection).await?;
        remove_partitions(tx, stored, shadow.projection).await?;
        let whole = partition::checkpoints(shadow.projection, shadow.shape.fingerprint, 1, *shadow_to);
        tx.set_checkpoints(&whole).await?;
        tx.replace(live, shadow).await?;
        tx.set_checkpoints(&[built(live)]).await?;
    }
    Ok(())
}
