//! Which projections read the log together.

use std::collections::BTreeSet;

use super::unit::{Build, Unit};
use crate::log::{EventQuery, Position};

/// Builds that stand close together, the lowest first. They read the log once.
pub(super) struct Pass {
    pub(super) tracks: Vec<(usize, Build)>,
    /// Where the lowest of them stands.
    pub(super) after: Position,
    /// The events that any of them listens to.
    pub(super) query: EventQuery,
}

/// Where it starts, who is in it, and whether it takes no more.
type Cluster = (Position, Vec<(usize, Build)>, bool);

/// Clusters builds by position: a pass holds those that stand within `near` events of its lowest.
pub(super) fn passes(units: &[Unit], near: u64, runs: impl Fn(&Unit) -> bool) -> Vec<Pass> {
    let mut tracks: Vec<(Position, usize, Build)> = Vec::new();
    for (place, unit) in units.iter().enumerate().filter(|(_, unit)| runs(unit)) {
        for build in [Build::Live, Build::Beside] {
            tracks.extend(unit.at(build).map(|at| (at, place, build)));
        }
    }
    tracks.sort_by_key(|(at, place, _)| (*at, *place));
    let mut clusters: Vec<Cluster> = Vec::new();
    for (at, place, build) in tracks {
        let alone = units[place].alone;
        let open = clusters.iter_mut().rev().find(|(_, _, closed)| !closed);
        match open {
            Some((after, tracks, _)) if !alone && at.get() - after.get() <= near => tracks.push((place, build)),
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
