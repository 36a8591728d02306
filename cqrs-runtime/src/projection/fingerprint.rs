//! The fingerprint of a projection: one number for everything that its rows depend on.
//!
//! Rows are good for a program whose projection has the same fingerprint, and for no other. It covers
//!
//! - the view: its name, its key, its indexes, its fields, and the shape of every type in them
//! - the events that are folded into it, with their versions
//! - for each of them, which rows it is about (`#[key]`, `#[keys]`, `#[by]`), what is looked up, and the method's form
//! - the number that the author raises when a method's body changes: `revision = 2`
//! - all of this of every projection that it is connected with by look-ups: they are stored and rebuilt together
//!
//! It is the same in every build of the same source. The names of methods, their order and the order of `on` change nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::projection::ProjectionInfo;
use cqrs_core::shape::Hash;
use cqrs_core::view::ViewLayout;

/// Everything except the view that a projection's rows depend on. Written by `#[projection]`.
#[derive(Clone, Copy, Debug)]
pub struct Basis {
    /// The number that the author raises when a method's body changes. Default: 1.
    pub revision: u32,
    /// The versions of its events, in their order.
    pub versions: &'static [u32],
    /// How each of its events finds its rows, in their order. Empty for an async projection.
    pub routes: &'static [u64],
}

/// The fingerprints of projections that run together, by name.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints(BTreeMap<&'static str, u64>);

impl Fingerprints {
    /// Works them out. Each is the same among all projections of an app as among those of its group.
    pub(crate) fn of(projections: &[&'static ProjectionInfo]) -> Self {
        let own: BTreeMap<&str, u64> = projections.iter().map(|info| (info.name, own(info))).collect();
        let groups = groups(projections);
        let of = |info: &&'static ProjectionInfo| {
            let group = groups.iter().find(|group| group.contains(&info.name));
            let combined = |group: &Vec<&'static str>| {
                let mut hash = Hash::default();
                hash.part(info.name);
                for name in group {
                    hash.part(&format!("{name} {:016x}", own[name]));
                }
                hash.0
            };
            (info.name, group.map_or(own[info.name], combined))
        };
        Self(projections.iter().map(of).collect())
    }

    /// The fingerprint of a projection, by its name.
    ///
    /// # Panics
    /// There is no projection of this name.
    pub(crate) fn get(&self, projection: &str) -> u64 {
        self.0[projection]
    }
}

/// The fingerprint of one projection, as if it looked nothing up.
fn own(info: &ProjectionInfo) -> u64 {
    let Basis { revision, versions, routes } = info.basis;
    let mut hash = Hash::default();
    hash.part(&format!("{} {revision}", info.name));
    if let (Some(ViewLayout { name, key, indexes, multi_indexes, compounds, fields }), Some(shape)) =
        (info.view, info.shape)
    {
        hash.part(&format!("{name} {key} {fields:016x} {:016x}", shape()));
        for index in indexes.iter().chain(multi_indexes) {
            hash.part(&format!("{} {:?}", index.name, index.kind));
        }
        for compound in compounds {
            hash.part(&compound.join(" "));
        }
    }
    let route = |at: usize| routes.get(at).copied().unwrap_or_default();
    let mut events: Vec<_> = info
        .events
        .iter()
        .zip(versions)
        .enumerate()
        .map(|(at, (event, version))| (event, version, route(at)))
        .collect();
    events.sort_unstable();
    for (event, version, route) in events {
        hash.part(&format!("{event} {version} {route:016x}"));
    }
    let mut look_ups = info.look_ups.to_vec();
    look_ups.sort_unstable();
    for view in look_ups {
        hash.part(view);
    }
    hash.0
}

/// The projections that are connected by look-ups.
pub(super) fn groups(projections: &[&'static ProjectionInfo]) -> Vec<Vec<&'static str>> {
    let mut groups: Vec<BTreeSet<&'static str>> = Vec::new();
    for info in projections {
        let maker = |view: &&str| projections.iter().find(|other| other.view.is_some_and(|made| made.name == *view));
        let mut group: BTreeSet<_> = info.look_ups.iter().filter_map(maker).map(|other| other.name).collect();
        if group.is_empty() {
            continue;
        }
        group.insert(info.name);
        groups.retain(|other| {
            let apart = other.is_disjoint(&group);
            if !apart {
                group.extend(other);
            }
            apart
        });
        groups.push(group);
    }
    groups.into_iter().map(|group| group.into_iter().collect()).collect()
}
