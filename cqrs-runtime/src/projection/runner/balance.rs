//! The parts of a projection among the processes that share a read database.
//!
//! Each asks for all that it can get. One that has at least two fewer than the richest takes the lease `PROJECTION@waiting`: then
//! nobody else takes what is free, and the richest gives half of the difference back. So all come to have as many, but for one, and
//! what a process leaves that dies goes to the others when its leases have run out.

use std::collections::BTreeMap;
use std::time::Instant;

use super::change::{Change, Seen};
use super::unit::{ASKS, Wish};
use super::worker::Worker;
use crate::projection::partition::{Part, Stored, kept};
use cqrs_core::store_error::StoreError;

/// What the name of a lease ends with by which a process tells that it has too few of a projection's parts.
const WAITING: &str = "@waiting";

/// What a process is to do about its share.
#[derive(Debug, PartialEq, Eq)]
struct Share {
    /// Whether it may take what is free.
    takes: bool,
    /// Whether it is to tell that it has too few.
    waits: bool,
    /// How many it is to give back.
    gives: usize,
}

fn share(own: &str, owners: &[Option<String>], waiting: Option<&str>) -> Share {
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    for owner in owners.iter().flatten() {
        *parts.entry(owner).or_default() += 1;
    }
    let of = |owner: &str| parts.get(owner).copied().unwrap_or_default();
    let free = owners.iter().filter(|owner| owner.is_none()).count();
    // One of those that have as many.
    let richest = parts.iter().map(|(owner, number)| (*number, *owner)).max().unwrap_or_default();
    let gives = match waiting {
        Some(poor) if poor != own && richest.1 == own => {
            ((richest.0 - of(poor).min(richest.0)) / 2).saturating_sub(free)
        }
        _ => 0,
    };
    Share { takes: waiting.is_none_or(|poor| poor == own), waits: richest.0 >= of(own) + 2, gives }
}

impl Worker {
    /// Looks at what the store says of a projection that is split, or is to be: whether something is to be done with all its
    /// parts together, and which of them this process may ask for.
    pub(super) async fn look(&mut self, place: usize, now: Instant) -> Result<(), StoreError> {
        if self.units[place].gathered.is_some() {
            return Ok(());
        }
        let seen = Seen::in_store(&*self.store, &self.units[place]).await?;
        self.units[place].seen = seen;
        let change = self.what_to_change(place).await?;
        let unit = &mut self.units[place];
        unit.change = change.filter(|_| !unit.paused && unit.replay.is_none());
        self.pass_wishes_on(place, now);
        self.take_share(place, now).await
    }

    async fn what_to_change(&self, place: usize) -> Result<Option<Change>, StoreError> {
        let unit = &self.units[place];
        let (Some(live), Some(beside)) = (unit.seen.live.first(), unit.seen.beside.first()) else { return Ok(None) };
        let (is_live, is_beside) = (unit.seen.is_live(unit), unit.seen.is_beside(unit));
        if unit.lost.is_some() {
            return Ok(Some(Change::Rebuild));
        }
        let is_other = |is_ours: bool, stored: &Stored| is_ours && stored.number() != unit.split;
        if is_other(is_live, live) || is_other(is_beside, beside) {
            // What others have handed over for something else is not changed under their hands.
            return Ok(Some(Change::Split).filter(|_| unit.wanted.is_empty()));
        }
        if is_live && live.number() > 1 && unit.wishes.iter().any(|wish| matches!(wish, Wish::Rebuild(_))) {
            return Ok(Some(Change::Rebuild));
        }
        if !is_live && !is_beside && *live != Stored::Nothing {
            return Ok(Some(Change::Rebuild));
        }
        // Where neither is in parts, whoever runs it does so by itself.
        if is_beside && beside.number().max(live.number()) > 1 {
            let lowest = beside.positions().into_iter().min().unwrap_or_default();
            let to = if is_live { live.positions().into_iter().max() } else { None };
            let to = if let Some(to) = to { to } else { self.log.head().await? };
            let near = lowest.plus(self.pace.batch as u64);
            return Ok(Some(Change::Switch).filter(|_| near >= to));
        }
        Ok(None)
    }

    /// A parked key is taken up by whoever has its part.
    fn pass_wishes_on(&mut self, place: usize, now: Instant) {
        let unit = &mut self.units[place];
        let number = unit.split;
        if number < 2 || !unit.seen.is_live(unit) || unit.seen.live[0].number() != number {
            return;
        }
        let wishes: Vec<Wish> = unit.wishes.drain(..).collect();
        for wish in wishes {
            let part = match &wish {
                Wish::TakeUp { key, .. } => Some(Part::of_key(key, number)),
                Wish::Rebuild(_) => None,
            };
            let to = self.units.iter().position(|unit| part.is_some() && unit.part == part.map(|part| (part, place)));
            let unit = &mut self.units[to.unwrap_or(place)];
            unit.wishes.push_back(wish);
            if to.is_some() && !unit.is_held() {
                unit.ask_at = now;
            }
        }
    }

    async fn take_share(&mut self, place: usize, now: Instant) -> Result<(), StoreError> {
        let unit = &self.units[place];
        let number = unit.split;
        let is_split = |is_ours: bool, stored: &[Stored]| is_ours && number > 1 && stored[0].number() == number;
        let exist = is_split(unit.seen.is_live(unit), &unit.seen.live)
            || is_split(unit.seen.is_beside(unit), &unit.seen.beside);
        let parts: Vec<usize> =
            (0..self.units.len()).filter(|&part| self.units[part].part.is_some_and(|(_, of)| of == place)).collect();
        if !exist || unit.change.is_some() {
            for part in parts {
                self.units[part].may_ask = false;
            }
            return Ok(());
        }
        let waiting = kept(format!("{}{WAITING}", unit.stored[0]));
        let mut names: Vec<&'static str> = parts.iter().map(|&part| self.units[part].names()[0]).collect();
        names.push(waiting);
        let mut owners = self.store.holders(&names).await?;
        let waits = owners.pop().flatten();
        let share = share(&self.owner, &owners, waits.as_deref());
        if share.waits && waits.as_ref().is_none_or(|owner| *owner == self.owner) {
            self.units[place].waits = self.store.lease(&[waiting], &self.owner, self.pace.lease).await?.pop().flatten();
            self.units[place].ask_at = now + self.pace.lease / ASKS;
        } else if let Some(lease) = self.units[place].waits.take() {
            self.let_go(&[lease]).await;
        }
        let mut gives = share.gives;
        for (&part, owner) in parts.iter().zip(&owners) {
            let unit = &mut self.units[part];
            if unit.is_held() {
                if gives > 0 && !unit.is_kept() && unit.wishes.is_empty() {
                    gives -= 1;
                    unit.may_ask = false;
                    self.leave(part).await;
                }
                continue;
            }
            // Its own may be another's: of a failure, it is asked for again when its pause is over.
            unit.may_ask = owner.as_ref().map_or(share.takes, |owner| *owner == self.owner);
            if unit.may_ask && unit.failures == 0 {
                unit.ask_at = now;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has processes look in turn, until nothing changes any more, and returns how many parts each has.
    fn settle(names: &[&str], owners: &mut [Option<String>]) -> Vec<usize> {
        let mut waiting: Option<String> = None;
        for _ in 0..100 {
            for own in names {
                let share = share(own, owners, waiting.as_deref());
                if share.waits && waiting.is_none() {
                    waiting = Some((*own).to_owned());
                } else if !share.waits && waiting.as_deref() == Some(own) {
                    waiting = None;
                }
                let mine = owners.iter_mut().filter(|owner| owner.as_deref() == Some(own));
                mine.take(share.gives).for_each(|owner| *owner = None);
                if share.takes && share.gives == 0 {
                    owners
                        .iter_mut()
                        .filter(|owner| owner.is_none())
                        .for_each(|owner| *owner = Some((*own).to_owned()));
                }
            }
        }
        assert!(waiting.is_none() && owners.iter().all(Option::is_some), "it comes to rest: {owners:?}, {waiting:?}");
        names.iter().map(|name| owners.iter().filter(|owner| owner.as_deref() == Some(name)).count()).collect()
    }

    #[test]
    fn any_number_of_processes_come_to_equal_shares() {
        for parts in 1..20 {
            for number in 1..6 {
                let names = &["a", "b", "c", "d", "e"][..number];
                for start in 0..3 {
                    let first = |part: usize| {
                        [Some("a".to_owned()), None, Some(names[part % number].to_owned())][start].clone()
                    };
                    let mut owners: Vec<Option<String>> = (0..parts).map(first).collect();
                    let shares = settle(names, &mut owners);
                    let (least, most) = (shares.iter().min(), shares.iter().max());
                    assert!(most <= least.map(|least| least + 1).as_ref(), "{parts} parts: {shares:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_free_goes_to_the_one_that_waits_and_a_part_is_given_once() {
        let owners = |owners: &[&str]| -> Vec<Option<String>> {
            owners.iter().map(|owner| Some((*owner).to_owned()).filter(|owner| !owner.is_empty())).collect()
        };
        let all = owners(&["a", "a", "a", "a"]);
        assert_eq!(share("b", &all, None), Share { takes: true, waits: true, gives: 0 });
        assert_eq!(share("a", &all, Some("b")), Share { takes: false, waits: false, gives: 2 });
        let given = owners(&["", "", "a", "a"]);
        assert_eq!(share("a", &given, Some("b")), Share { takes: false, waits: false, gives: 0 });
        assert!(!share("c", &given, Some("b")).takes);
        let even = owners(&["b", "b", "a", "a"]);
        assert_eq!(share("b", &even, Some("b")), Share { takes: true, waits: false, gives: 0 });
        assert_eq!(share("a", &owners(&["a", "a", "b"]), Some("b")).gives, 0, "one more is no more than a share");
    }
}
