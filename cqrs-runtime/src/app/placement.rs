//! The read side: which database stores which view, and what keeps each up to date.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fault::Fault;
use crate::model::parameter_info::{ParameterInfo, Resource};
use crate::projection::ProjectionInfo;
use crate::registry::table::Table;
use cqrs_core::log::EventLog;
use cqrs_core::view::ViewStore;

/// The read databases that the builder was given.
#[derive(Clone, Default)]
pub(super) struct ReadDatabases {
    /// The first is for all views without a database of their own; the others are for async projections on
    /// them.
    general: Vec<Arc<dyn ViewStore>>,
    /// Databases of single views.
    named: Vec<(&'static str, Arc<dyn ViewStore>)>,
}

/// A read database, and what is stored in it.
pub(super) struct Place {
    pub(super) store: Arc<dyn ViewStore>,
    /// `true` for the log's own store, whose views the log's transactions update.
    pub(super) inside_log: bool,
    pub(super) projections: Vec<&'static ProjectionInfo>,
}

impl Place {
    pub(super) fn is(&self, wanted: Resource) -> bool {
        wanted.is(self.store.database())
    }
}

/// The place of a store, by whichever handle it was given.
fn stored_in(places: &[Place], store: &Arc<dyn ViewStore>) -> Option<usize> {
    places.iter().position(|place| place.store.address() == store.address())
}

impl ReadDatabases {
    pub(super) fn add(&mut self, store: Arc<dyn ViewStore>) {
        self.general.push(store);
    }

    pub(super) fn add_for(&mut self, view: &'static str, store: Arc<dyn ViewStore>) {
        self.named.push((view, store));
    }

    /// Which store holds what; the default store comes first. Where the log stores no views and only single views have a
    /// database, the other views have none.
    pub(super) fn places(&self, table: &Table, log: &dyn EventLog) -> Vec<Place> {
        let place = |store: &Arc<dyn ViewStore>, inside_log| Place {
            store: Arc::clone(store),
            inside_log,
            projections: Vec::new(),
        };
        let mut places: Vec<Place> = self.general.iter().map(|store| place(store, false)).collect();
        if places.is_empty() {
            places.extend(log.views().map(|store| place(&store, true)));
        }
        let usual = (!places.is_empty()).then_some(0);
        for (_, store) in &self.named {
            if stored_in(&places, store).is_none() {
                places.push(place(store, false));
            }
        }
        for projection in table.projections() {
            let slot = match (projection.view, projection.database) {
                (Some(view), _) => {
                    let named = self.named.iter().find(|(name, _)| *name == view.name);
                    named.and_then(|(_, store)| stored_in(&places, store))
                }
                (None, Some(database)) => places.iter().position(|place| place.is(database)),
                (None, None) => None,
            };
            // Without a store, or without the database that an async projection names, the checks report it.
            if let Some(slot) = slot.or(usual) {
                places[slot].projections.push(projection);
            }
        }
        places
    }

    /// 803: every store is used, and views that look each other up share one.
    pub(super) fn check(&self, table: &Table, places: &[Place], faults: &mut Vec<Fault>) {
        let mut named: BTreeMap<&str, usize> = BTreeMap::new();
        for (view, _) in &self.named {
            *named.entry(view).or_default() += 1;
        }
        for (view, times) in named {
            let made = table.projections.iter().any(|entry| entry.view.is_some_and(|made| made.name == view));
            if !made {
                faults.push(Fault::new(
                    format!("[CQRS803] `.views_of` names view `{view}`, but no projection makes it"),
                    &[],
                    "link the crate that has its `#[projection]`, or remove `.views_of::<..>(..)`",
                ));
            }
            if times > 1 {
                faults.push(Fault::new(
                    format!("[CQRS803] view `{view}` has {times} read databases: a view is stored in one"),
                    &[],
                    "keep one `.views_of::<..>(..)`, and remove the others",
                ));
            }
        }
        let slot = |view: &str| {
            places
                .iter()
                .position(|place| place.projections.iter().any(|info| info.view.is_some_and(|made| made.name == view)))
        };
        for entry in &table.projections {
            let Some(here) = entry.view.and_then(|view| slot(view.name)) else { continue };
            for looked_up in entry.look_ups {
                let Some(there) = slot(looked_up).filter(|there| *there != here) else { continue };
                faults.push(Fault::new(
                    format!(
                        "[CQRS803] projection `{}` looks up view `{looked_up}`, which is stored in another database: {}, not {}: \
                         there it may be at another event",
                        entry.name,
                        places[there].store.describe(),
                        places[here].store.describe()
                    ),
                    &[entry.registration],
                    "set the same read database for both views: `App::builder().views_of::<..>(..)`",
                ));
            }
        }
        if places.len() < 2 {
            return;
        }
        let read: Vec<Resource> = table
            .parameters()
            .filter_map(|(_, parameter, _)| match parameter {
                ParameterInfo::Reader(database) => Some(database),
                _ => None,
            })
            .collect();
        for place in places.iter().filter(|place| !place.inside_log && place.projections.is_empty()) {
            if read.iter().any(|database| place.is(*database)) {
                continue;
            }
            faults.push(Fault::new(
                format!("[CQRS803] store {} is not used by any view", place.store.describe()),
                &[],
                "remove it, or assign a view to it: `App::builder().views_of::<..>(..)`",
            ));
        }
    }
}
