//! Spreads the partitions of a projection over the processes that share a read database.
//!
//! Each process takes every partition that it can get. One that holds at least two fewer than the process with the most takes the lease
//! `PROJECTION@waiting`. Then no other process takes free partitions, and the one with the most releases half of the difference. In the
//! end the numbers differ by at most one. The partitions of a process that dies go to the others when its leases expire.

use std::collections::BTreeMap;
use std::time::Instant;

use super::change::{Change, Seen};
use super::group::ASKS;
use super::pending::PendingRequest;
use super::worker::Worker;
use crate::projection::partition::{Partition, Stored, kept};
use cqrs_core::store_error::StoreError;

/// Suffix of the lease by which a process says that it holds too few partitions.
const WAITING: &str = "@waiting";

/// What a process must do about its share of the partitions.
#[derive(Debug, PartialEq, Eq)]
struct Share {
    /// Whether it may take free partitions.
    takes: bool,
    /// Whether it must say that it holds too few.
    waits: bool,
    /// How many it must release.
    gives: usize,
}

fn share(own: &str, owners: &[Option<String>], waiting: Option<&str>) -> Share {
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    for owner in owners.iter().flatten() {
        *parts.entry(owner).or_default() += 1;
    }
    let of = |owner: &str| parts.get(owner).copied().unwrap_or_default();
    let free = owners.iter().filter(|owner| owner.is_none()).count();
    // One of those that hold the most.
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
    /// Reads the stored state of a partitioned projection: whether all partitions must change together, and which of them this process may
    /// ask for.
    pub(super) async fn look(&mut self, place: usize, now: Instant) -> Result<(), StoreError> {
        if self.groups[place].partitions.gathered.is_some() {
            return Ok(());
        }
        let seen = Seen::in_store(&*self.store, &self.groups[place]).await?;
        self.groups[place].partitions.seen = seen;
        let change = self.what_to_change(place).await?;
        let group = &mut self.groups[place];
        group.partitions.change = change.filter(|_| !group.paused && group.operator.replay.is_none());
        self.pass_requests_on(place, now);
        self.take_share(place, now).await
    }

    async fn what_to_change(&self, place: usize) -> Result<Option<Change>, StoreError> {
        let group = &self.groups[place];
        let (Some(live), Some(shadow)) = (group.partitions.seen.live.first(), group.partitions.seen.shadow.first())
        else {
            return Ok(None);
        };
        let (is_live, is_shadow) = (group.partitions.seen.is_live(group), group.partitions.seen.is_shadow(group));
        if group.lost.is_some() {
            return Ok(Some(Change::Rebuild));
        }
        let is_other = |is_ours: bool, stored: &Stored| is_ours && stored.number() != group.partitions.split;
        if is_other(is_live, live) || is_other(is_shadow, shadow) {
            // Other processes released it for another change: do not repartition it now.
            return Ok(Some(Change::Split).filter(|_| group.leases.wanted.is_empty()));
        }
        if is_live && live.number() > 1 && group.operator.want_rebuild() {
            return Ok(Some(Change::Rebuild));
        }
        if !is_live && !is_shadow && *live != Stored::Nothing {
            return Ok(Some(Change::Rebuild));
        }
        // If neither build is partitioned, the process that holds the projection switches by itself.
        if is_shadow && shadow.number().max(live.number()) > 1 {
            let lowest = shadow.positions().into_iter().min().unwrap_or_default();
            let to = if is_live { live.positions().into_iter().max() } else { None };
            let to = if let Some(to) = to { to } else { self.log.head().await? };
            let near = lowest.plus(self.timing.batch as u64);
            return Ok(Some(Change::Switch).filter(|_| near >= to));
        }
        Ok(None)
    }

    /// Moves a request about a parked key to the partition of that key.
    fn pass_requests_on(&mut self, place: usize, now: Instant) {
        let group = &mut self.groups[place];
        let number = group.partitions.split;
        if number < 2 || !group.partitions.seen.is_live(group) || group.partitions.seen.live[0].number() != number {
            return;
        }
        let requests: Vec<PendingRequest> = group.operator.requests.drain(..).collect();
        for enqueue in requests {
            let part = match &enqueue {
                PendingRequest::RetryKey { key, .. } => Some(Partition::of_key(key, number)),
                PendingRequest::Rebuild(_) => None,
            };
            let to = self
                .groups
                .iter()
                .position(|group| part.is_some() && group.partitions.part == part.map(|part| (part, place)));
            let group = &mut self.groups[to.unwrap_or(place)];
            group.operator.requests.push_back(enqueue);
            if to.is_some() && !group.leases.is_held() {
                group.leases.ask_at = now;
            }
        }
    }

    async fn take_share(&mut self, place: usize, now: Instant) -> Result<(), StoreError> {
        let group = &self.groups[place];
        let number = group.partitions.split;
        let is_split = |is_ours: bool, stored: &[Stored]| is_ours && number > 1 && stored[0].number() == number;
        let exist = is_split(group.partitions.seen.is_live(group), &group.partitions.seen.live)
            || is_split(group.partitions.seen.is_shadow(group), &group.partitions.seen.shadow);
        let parts: Vec<usize> = (0..self.groups.len())
            .filter(|&part| self.groups[part].partitions.part.is_some_and(|(_, of)| of == place))
            .collect();
        if !exist || group.partitions.change.is_some() {
            for part in parts {
                self.groups[part].partitions.may_ask = false;
            }
            return Ok(());
        }
        let waiting = kept(format!("{}{WAITING}", group.stored[0]));
        let mut names: Vec<&'static str> = parts.iter().map(|&part| self.groups[part].names()[0]).collect();
        names.push(waiting);
        let mut owners = self.store.holders(&names).await?;
        let waits = owners.pop().flatten();
        let share = share(&self.owner, &owners, waits.as_deref());
        if share.waits && waits.as_ref().is_none_or(|owner| *owner == self.owner) {
            self.groups[place].partitions.waits =
                self.store.lease(&[waiting], &self.owner, self.timing.lease).await?.pop().flatten();
            self.groups[place].leases.ask_at = now + self.timing.lease / ASKS;
        } else if let Some(lease) = self.groups[place].partitions.waits.take() {
            self.let_go(&[lease]).await;
        }
        let mut gives = share.gives;
        for (&part, owner) in parts.iter().zip(&owners) {
            let group = &mut self.groups[part];
            if group.leases.is_held() {
                if gives > 0 && !group.is_kept() && group.operator.requests.is_empty() {
                    gives -= 1;
                    group.partitions.may_ask = false;
                    self.leave(part).await;
                }
                continue;
            }
            // A lease of this process may have another owner in its name: after a failure it is asked for again when the pause is over.
            group.partitions.may_ask = owner.as_ref().map_or(share.takes, |owner| *owner == self.owner);
            if group.partitions.may_ask && group.failures == 0 {
                group.leases.ask_at = now;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets processes take turns until nothing changes, and returns how many partitions each holds.
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
