//! Which projections share a pass over the log.

use std::collections::BTreeSet;

use super::group::{Build, ProjectionGroup};
use cqrs_core::log::EventQuery;
use cqrs_core::position::Position;

/// Builds at nearby positions, the lowest first. They share one scan of the log.
pub(super) struct Pass {
    pub(super) tracks: Vec<(usize, Build)>,
    /// The position of the lowest.
    pub(super) after: Position,
    /// The events that any of them listens to.
    pub(super) query: EventQuery,
}

/// Builds that are folded in one transaction.
pub(super) struct Batch(pub(super) Vec<(usize, Build)>);

impl Batch {
    /// The groups, each once.
    pub(super) fn places(&self) -> Vec<usize> {
        places(&self.0)
    }
}

fn places(tracks: &[(usize, Build)]) -> Vec<usize> {
    let places: BTreeSet<usize> = tracks.iter().map(|(place, _)| *place).collect();
    places.into_iter().collect()
}

impl Pass {
    /// The groups, each once.
    pub(super) fn places(&self) -> Vec<usize> {
        places(&self.tracks)
    }

    /// The transactions of the pass: each partition has its own, and everything else shares one.
    pub(super) fn batches(&self, groups: &[ProjectionGroup]) -> Vec<Batch> {
        let (parts, wholes): (Vec<_>, Vec<_>) =
            self.tracks.iter().partition(|(place, _)| groups[*place].partitions.part.is_some());
        let of = |wanted: usize| parts.iter().copied().filter(|(place, _)| *place == wanted).collect();
        let parts_alone = places(&parts).into_iter().map(of);
        parts_alone.chain([wholes]).filter(|batch: &Vec<_>| !batch.is_empty()).map(Batch).collect()
    }
}

/// Its lowest position, its builds, and whether it accepts no more.
type Cluster = (Position, Vec<(usize, Build)>, bool);

/// Clusters builds by position: a pass holds those within `near` events of its lowest.
pub(super) fn passes(groups: &[ProjectionGroup], near: u64, runs: impl Fn(&ProjectionGroup) -> bool) -> Vec<Pass> {
    let mut tracks: Vec<(Position, usize, Build)> = Vec::new();
    for (place, group) in groups.iter().enumerate().filter(|(_, group)| runs(group)) {
        for build in [Build::Live, Build::Shadow] {
            tracks.extend(group.builds.at(build).map(|at| (at.position, place, build)));
        }
    }
    tracks.sort_by_key(|(at, place, _)| (*at, *place));
    let mut clusters: Vec<Cluster> = Vec::new();
    for (at, place, build) in tracks {
        let alone = groups[place].alone;
        let open = clusters.iter_mut().rev().find(|(_, _, closed)| !closed);
        match open {
            Some((after, tracks, _)) if !alone && at.distance_from(*after) <= near => tracks.push((place, build)),
            _ => clusters.push((at, vec![(place, build)], alone)),
        }
    }
    let pass = |(after, tracks, _): Cluster| {
        let names: BTreeSet<&str> =
            tracks.iter().flat_map(|(place, build)| groups[*place].engine(*build).events()).collect();
        let query = EventQuery::named(&names.into_iter().collect::<Vec<_>>());
        Pass { tracks, after, query }
    };
    clusters.into_iter().map(pass).collect()
}
