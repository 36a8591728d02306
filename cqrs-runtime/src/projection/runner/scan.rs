//! Which projections read the log together.

use std::collections::BTreeSet;

use super::unit::{Build, Unit};
use cqrs_core::log::EventQuery;
use cqrs_core::position::Position;

/// Builds that stand close together, the lowest first. They read the log once.
pub(super) struct Pass {
    pub(super) tracks: Vec<(usize, Build)>,
    /// Where the lowest of them stands.
    pub(super) after: Position,
    /// The events that any of them listens to.
    pub(super) query: EventQuery,
}

/// Builds that are folded in one transaction.
pub(super) struct Group(pub(super) Vec<(usize, Build)>);

impl Group {
    /// The units, each once.
    pub(super) fn places(&self) -> Vec<usize> {
        places(&self.0)
    }
}

fn places(tracks: &[(usize, Build)]) -> Vec<usize> {
    let places: BTreeSet<usize> = tracks.iter().map(|(place, _)| *place).collect();
    places.into_iter().collect()
}

impl Pass {
    /// The units, each once.
    pub(super) fn places(&self) -> Vec<usize> {
        places(&self.tracks)
    }

    /// What goes into which transaction: each part of a projection has its own, and all else goes together.
    pub(super) fn groups(&self, units: &[Unit]) -> Vec<Group> {
        let (parts, wholes): (Vec<_>, Vec<_>) = self.tracks.iter().partition(|(place, _)| units[*place].part.is_some());
        let of = |wanted: usize| parts.iter().copied().filter(|(place, _)| *place == wanted).collect();
        let parts_alone = places(&parts).into_iter().map(of);
        parts_alone.chain([wholes]).filter(|group: &Vec<_>| !group.is_empty()).map(Group).collect()
    }
}

/// Where it starts, who is in it, and whether it takes no more.
type Cluster = (Position, Vec<(usize, Build)>, bool);

/// Clusters builds by position: a pass holds those that stand within `near` events of its lowest.
pub(super) fn passes(units: &[Unit], near: u64, runs: impl Fn(&Unit) -> bool) -> Vec<Pass> {
    let mut tracks: Vec<(Position, usize, Build)> = Vec::new();
    for (place, unit) in units.iter().enumerate().filter(|(_, unit)| runs(unit)) {
        for build in [Build::Live, Build::Beside] {
            tracks.extend(unit.at(build).map(|at| (at.position, place, build)));
        }
    }
    tracks.sort_by_key(|(at, place, _)| (*at, *place));
    let mut clusters: Vec<Cluster> = Vec::new();
    for (at, place, build) in tracks {
        let alone = units[place].alone;
        let open = clusters.iter_mut().rev().find(|(_, _, closed)| !closed);
        match open {
            Some((after, tracks, _)) if !alone && at.distance_from(*after) <= near => tracks.push((place, build)),
            _ => clusters.push((at, vec![(place, build)], alone)),
        }
    }
    let pass = |(after, tracks, _): Cluster| {
        let names: BTreeSet<&str> =
            tracks.iter().flat_map(|(place, build)| units[*place].engine(*build).events()).collect();
        let query = EventQuery::named(&names.into_iter().collect::<Vec<_>>());
        Pass { tracks, after, query }
    };
    clusters.into_iter().map(pass).collect()
}
