//! What is done with all partitions of a projection at once: to change their number, to begin a rebuild, to put one in place.
//!
//! Each is done under the leases of the projection and of every partition, so that none of them moves in between. Where the number of
//! partitions changes, they are first brought to one position, the furthest that any has reached. Then a key changes its
//! partition without an event being folded twice, and without a removed row being forgotten.

use std::sync::Arc;
use std::time::Instant;

use super::change::{Behind, Change, Gathered, Seen};
use super::progress::PartStanding;
use super::unit::{Unit, Waiting, Wish, built, withdrawn};
use super::worker::Worker;
use crate::model::error::OperationError;
use crate::projection::lost::lost_text;
use crate::projection::partition::{Part, Stored};
use crate::projection::{Engine, partition};
use cqrs_core::log::EventQuery;
use cqrs_core::position::Bookmark;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Lease, ViewTransaction};

impl Worker {
    /// Takes what a change needs, if it can be had.
    pub(super) async fn gather(&mut self, place: usize) -> Result<(), StoreError> {
        let unit = &self.units[place];
        let Some(change) = unit.change.filter(|_| unit.gathered.is_none()) else { return Ok(()) };
        if unit.forces() && unit.wanted.is_empty() {
            // Somebody else is at it.
            return Ok(());
        }
        let mut names = unit.stored.clone();
        names.extend(unit.seen.part_names(unit));
        if !unit.forces() {
            let holders = self.store.holders(&names).await?;
            if holders.iter().flatten().any(|owner| *owner != self.owner) {
                self.cannot_change(place, change);
                return Ok(());
            }
        }
        let leases: Vec<Lease> =
            self.store.lease(&names, &self.owner, self.pace.lease).await?.into_iter().flatten().collect();
        if leases.len() < names.len() {
            let own: Vec<&Lease> = self.units.iter().flat_map(|unit| &unit.granted).collect();
            let part: Vec<Lease> = leases.into_iter().filter(|lease| !own.contains(&lease)).collect();
            self.let_go(&part).await;
            return Ok(());
        }
        let mut tx = self.store.begin(&leases).await?;
        let seen = Seen::in_transaction(&mut *tx, &self.units[place]).await?;
        drop(tx);
        self.stop_parts(place);
        // What was looked at before it was stopped may have been lost since.
        let live_lost = self.first_lost(&seen.live, seen.is_live(&self.units[place])).await?;
        let beside_lost = self.first_lost(&seen.beside, seen.is_beside(&self.units[place])).await?;
        self.units[place].lost = match live_lost {
            Some(at) => Some(lost_text(at, self.log.last().await?)),
            // Another process has had it rebuilt, where it was lost.
            None => None,
        };
        let is_lost = live_lost.or(beside_lost).is_some();
        let change = if is_lost { Change::Rebuild } else { change };
        let unit = &self.units[place];
        let is_had = seen.part_names(unit).iter().all(|name| names.contains(name));
        if !is_had || !(is_lost || is_due(unit, change, &seen)) {
            // It was changed before all of it could be had.
            self.let_go(&leases).await;
            self.units[place].change = None;
            return Ok(());
        }
        let gathered = self.plan(place, change, seen, leases).await?;
        self.units[place].gathered = Some(gathered);
        Ok(())
    }

    /// The first bookmark of a build, if it is of this program's shape, that the log does not hold.
    async fn first_lost(&self, stored: &[Stored], is_ours: bool) -> Result<Option<Bookmark>, StoreError> {
        let marks: Vec<Bookmark> = stored.iter().filter(|_| is_ours).flat_map(Stored::bookmarks).collect();
        let held = if marks.is_empty() { Vec::new() } else { self.log.holds(&marks).await? };
        Ok(marks.into_iter().zip(held).find(|(_, held)| !held).map(|(mark, _)| mark))
    }

    /// Renews what was gathered. Should a part of it have been taken over, the change is given up, and looked at anew.
    pub(super) async fn keep_gathered(&mut self, place: usize) -> Result<(), StoreError> {
        let Some(gathered) = &self.units[place].gathered else { return Ok(()) };
        let renewed = self.store.lease(&gathered.names(), &self.owner, self.pace.lease).await?;
        let renewed: Vec<Lease> = renewed.into_iter().flatten().collect();
        if renewed != gathered.leases {
            self.let_go(&renewed).await;
            let unit = &mut self.units[place];
            (unit.gathered, unit.change) = (None, None);
        }
        Ok(())
    }

    /// Another program runs it as it is: what this one would change waits.
    fn cannot_change(&mut self, place: usize, change: Change) {
        let patience = self.patience();
        let unit = &mut self.units[place];
        unit.change = None;
        let number = unit.seen.live.first().map_or(1, Stored::number);
        let reason = match change {
            Change::Split => format!(
                "it is split into {number}, by other processes that run it, and into {} here: it stays as it is while they do",
                unit.split
            ),
            _ => "other processes run it, for a view of another shape".to_owned(),
        };
        // It may be about to be as it is to be here: another process that is configured alike is at it, say.
        if !unit.wishes.is_empty() && unit.wished_since.get_or_insert_with(Instant::now).elapsed() > patience {
            unit.refuse(&OperationError::Elsewhere { projection: unit.projection(), reason: reason.clone() });
            unit.wished_since = None;
        }
        self.standings.change(&unit.projections, |standing| {
            standing.elsewhere = true;
            standing.error = Some(reason.clone());
        });
    }

    /// Has this process's own parts stand still.
    fn stop_parts(&mut self, keeper: usize) {
        for unit in &mut self.units {
            if let Some((part, _)) = unit.part.filter(|(_, of)| *of == keeper) {
                unit.had |= unit.is_held();
                (unit.may_ask, unit.live_at, unit.beside_at) = (false, None, None);
                unit.leases.clear();
                unit.granted.clear();
                self.standings.change_part(unit.projections[0], part, |standing| *standing = PartStanding::default());
            }
        }
        let unit = &mut self.units[keeper];
        (unit.live_at, unit.beside_at) = (None, None);
        unit.leases.clear();
        unit.granted.clear();
    }

    async fn plan(&self, place: usize, change: Change, seen: Seen, leases: Vec<Lease>) -> Result<Gathered, StoreError> {
        let unit = &self.units[place];
        let furthest = |stored: &[Stored]| stored.iter().flat_map(Stored::bookmarks).reduce(later).unwrap_or_default();
        let (mut live_to, mut beside_to) = (furthest(&seen.live), furthest(&seen.beside));
        let head = self.log.last().await?;
        if change == Change::Switch && unit.projections.len() == 1 {
            beside_to = later(beside_to, if seen.is_live(unit) { live_to } else { head });
        }
        let mut behind = Vec::new();
        if change == Change::Split && seen.is_live(unit) {
            behind.extend(self.parts_behind(unit, &unit.live, &seen.live[0], live_to));
        }
        if change != Change::Rebuild && seen.is_beside(unit) {
            behind.extend(self.parts_behind(unit, &unit.beside, &seen.beside[0], beside_to));
        }
        if change == Change::Switch {
            live_to = beside_to;
        }
        Ok(Gathered { leases, change, seen, behind, live_to, beside_to })
    }

    /// The parts of a build that do not stand where they are to.
    fn parts_behind(&self, unit: &Unit, build: &Arc<Engine>, stored: &Stored, to: Bookmark) -> Vec<Behind> {
        let number = stored.number();
        let at = Part::all(number).zip(stored.bookmarks()).filter(|(_, at)| at.position < to.position);
        let engine = |part: Part| {
            if number == 1 {
                return Arc::clone(build);
            }
            let own = self
                .units
                .iter()
                .find(|other| other.part.is_some_and(|(own, _)| own == part) && other.projections == unit.projections);
            let is_live = Arc::ptr_eq(build, &unit.live);
            if let Some(own) = own {
                return Arc::clone(if is_live { &own.live } else { &own.beside });
            }
            let made = self.make_part(unit, 0, part);
            if is_live { made.live } else { made.beside }
        };
        at.map(|(part, at)| Behind { engine: engine(part), at, to }).collect()
    }

    /// Gives each change that is under way one page, or completes it. Says whether there was any.
    pub(super) async fn change(&mut self) -> bool {
        let mut any = false;
        for place in 0..self.units.len() {
            let Some(mut gathered) = self.units[place].gathered.take() else { continue };
            any = true;
            let next = gathered.behind.iter().position(|behind| behind.at.position < behind.to.position);
            let done = match next {
                Some(next) => {
                    let brought_on = self.bring_on(&mut gathered, next).await;
                    brought_on.map(|()| self.units[place].gathered = Some(gathered))
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
        let page = self.log.read(&EventQuery::named(&names), at.position, self.pace.batch).await?;
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
        let unit = &self.units[place];
        let mut tx = self.store.begin(&gathered.leases).await?;
        match gathered.change {
            Change::Split => split(&mut *tx, unit, &gathered).await?,
            Change::Rebuild => {
                for shape in unit.beside.shapes() {
                    tx.prepare(shape).await?;
                }
                begin_anew(&mut *tx, unit, &gathered.seen).await?;
                if unit.lost.is_some() && gathered.seen.is_live(unit) {
                    for (place, stored) in unit.live.places().zip(&gathered.seen.live) {
                        forget_parts(&mut *tx, stored, place.projection).await?;
                        tx.set_checkpoints(&[withdrawn(place)]).await?;
                    }
                }
            }
            Change::Switch => switch(&mut *tx, unit, &gathered).await?,
        }
        tx.commit().await?;
        let unit = &mut self.units[place];
        let (at, number) = (gathered.live_to, unit.split);
        tracing::info!(projections = ?unit.projections, change = ?gathered.change, position = %at.position, number, "done with all its parts");
        match gathered.change {
            Change::Switch if number > 1 => {
                // It stands as a whole now, and is split again before it is let go.
                let fingerprint = unit.live.places().next().map_or(0, |place| place.shape.fingerprint);
                let whole = cqrs_core::view::Checkpoint::at(at, fingerprint);
                gathered.seen = Seen { live: vec![Stored::Whole(whole)], beside: vec![Stored::Nothing] };
                (gathered.change, gathered.behind) = (Change::Split, Vec::new());
                unit.change = Some(Change::Split);
                unit.gathered = Some(gathered);
                return Ok(());
            }
            Change::Rebuild => {
                let text = unit.lost.take();
                self.standings.change(&unit.projections, |standing| standing.withdraw(text.as_ref()));
                let (rebuilds, others): (Vec<Wish>, Vec<Wish>) =
                    unit.wishes.drain(..).partition(|wish| matches!(wish, Wish::Rebuild(_)));
                unit.wishes.extend(others);
                for wish in rebuilds {
                    if let Wish::Rebuild(answer) = wish {
                        unit.waiting.push(Waiting::new(head, answer));
                    }
                }
            }
            Change::Split | Change::Switch => {}
        }
        unit.change = None;
        unit.failures = 0;
        unit.seen = Seen::default();
        self.let_go(&gathered.leases).await;
        if self.units[place].wanted.is_empty() {
            self.units[place].ask_at = Instant::now();
        } else {
            self.give_back(place).await;
        }
        // Those that were this process's before are so again, if nobody comes first; others, when it has looked.
        for unit in &mut self.units {
            if unit.part.is_some_and(|(_, keeper)| keeper == place) && std::mem::take(&mut unit.had) {
                (unit.may_ask, unit.ask_at) = (true, Instant::now());
            }
        }
        Ok(())
    }
}

fn later(one: Bookmark, other: Bookmark) -> Bookmark {
    if other.position > one.position { other } else { one }
}

/// Whether there is something to do yet.
fn is_due(unit: &Unit, change: Change, seen: &Seen) -> bool {
    match change {
        Change::Split => true,
        Change::Rebuild => unit.forces() || !seen.is_beside(unit),
        Change::Switch => unit.projections.len() > 1 || seen.is_beside(unit),
    }
}

/// Forgets the checkpoints of parts. Their rows and their parked keys bear the projection's name, and stay.
async fn forget_parts(tx: &mut dyn ViewTransaction, stored: &Stored, name: &str) -> Result<(), StoreError> {
    for part in stored.part_names(name) {
        tx.clear(None, part).await?;
    }
    Ok(())
}

async fn split(tx: &mut dyn ViewTransaction, unit: &Unit, gathered: &Gathered) -> Result<(), StoreError> {
    let Gathered { seen, live_to, beside_to, .. } = gathered;
    let builds = [
        (&unit.live, &seen.live, seen.is_live(unit), *live_to),
        (&unit.beside, &seen.beside, seen.is_beside(unit), *beside_to),
    ];
    for (engine, stored, is_ours, at) in builds {
        if let (Some(place), Some(stored), true) = (engine.places().next(), stored.first(), is_ours) {
            forget_parts(tx, stored, place.projection).await?;
            let to = partition::checkpoints(place.projection, place.shape.fingerprint, unit.split, at);
            tx.set_checkpoints(&to).await?;
        }
    }
    Ok(())
}

async fn begin_anew(tx: &mut dyn ViewTransaction, unit: &Unit, seen: &Seen) -> Result<(), StoreError> {
    for (place, stored) in unit.beside.places().zip(&seen.beside) {
        forget_parts(tx, stored, place.projection).await?;
        tx.clear(Some(&place.shape), place.projection).await?;
        let start = partition::checkpoints(place.projection, place.shape.fingerprint, unit.split, Bookmark::START);
        tx.set_checkpoints(&start).await?;
    }
    Ok(())
}

async fn switch(tx: &mut dyn ViewTransaction, unit: &Unit, gathered: &Gathered) -> Result<(), StoreError> {
    let Gathered { seen, beside_to, .. } = gathered;
    for (((live, beside), was), stored) in unit.places().into_iter().zip(&seen.live).zip(&seen.beside) {
        forget_parts(tx, was, live.projection).await?;
        forget_parts(tx, stored, beside.projection).await?;
        let whole = partition::checkpoints(beside.projection, beside.shape.fingerprint, 1, *beside_to);
        tx.set_checkpoints(&whole).await?;
        tx.replace(live, beside).await?;
        tx.set_checkpoints(&[built(live)]).await?;
    }
    Ok(())
}
