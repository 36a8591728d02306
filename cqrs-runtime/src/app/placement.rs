//! The read side: which database stores which view, and what keeps each up to date.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::Inner;
use super::checks::{self, Fault};
use crate::bus::query::After;
use crate::core::log::{EventLog, StoreError};
use crate::core::view::{View, ViewShape, ViewStore};
use crate::model::error::QueryError;
use crate::model::parameters::Database;
use crate::projection::views::{Gate, Views};
use crate::projection::{Follower, Generations, Runner, Wanted, taken_apart};
use crate::registry::table::Table;
use crate::registry::{ParameterInfo, ProjectionInfo, Resource};

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
        checks::is(self.store.database(), wanted)
    }
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
            if !places.iter().any(|known| known.store.address() == store.address()) {
                places.push(place(store, false));
            }
        }
        for projection in table.projections() {
            let home =
                match (projection.view, projection.database) {
                    (Some(view), _) => self.named.iter().find(|(name, _)| *name == view.name).and_then(|(_, store)| {
                        places.iter().position(|place| place.store.address() == store.address())
                    }),
                    (None, Some(database)) => places.iter().position(|place| place.is(database)),
                    (None, None) => None,
                };
            // Without a store, or without the database that an async projection names, the checks report it.
            if let Some(home) = home.or(usual) {
                places[home].projections.push(projection);
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
        let home = |view: &str| {
            places
                .iter()
                .position(|place| place.projections.iter().any(|info| info.view.is_some_and(|made| made.name == view)))
        };
        for entry in &table.projections {
            let Some(here) = entry.view.and_then(|view| home(view.name)) else { continue };
            for looked_up in entry.look_ups {
                let Some(there) = home(looked_up).filter(|there| *there != here) else { continue };
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
        let read: Vec<Resource> = checks::parameters(table)
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

/// The read side of a running app.
#[derive(Default)]
pub(crate) struct ReadSide {
    /// The first is the default store.
    pub(super) homes: Vec<Home>,
}

/// A read database of a running app.
pub(super) struct Home {
    pub(super) store: Arc<dyn ViewStore>,
    pub(super) by: KeptBy,
    pub(super) projections: Vec<&'static ProjectionInfo>,
    /// The names under which it stores its projections.
    pub(super) generations: Generations,
}

/// What keeps a read database up to date.
pub(super) enum KeptBy {
    /// A task of the app, or of another process (level 2).
    Runner(Runner),
    /// Each command, in the log's own transactions (level 1).
    Commands(Arc<Follower>),
    /// Nothing: it stores no projection.
    Nobody,
}

impl Home {
    pub(super) fn runner(&self) -> Option<&Runner> {
        if let KeptBy::Runner(runner) = &self.by { Some(runner) } else { None }
    }

    pub(super) fn follower(&self) -> Option<&Arc<Follower>> {
        if let KeptBy::Commands(follower) = &self.by { Some(follower) } else { None }
    }

    fn gate(&self) -> Gate {
        match &self.by {
            KeptBy::Runner(runner) => Gate::Runner(Arc::clone(runner.standings())),
            KeptBy::Commands(follower) => Gate::Follower(Arc::clone(follower)),
            KeptBy::Nobody => Gate::Open,
        }
    }

    /// How one of its projections stores its view. `None` for an async projection.
    pub(super) fn shape_of(&self, projection: &ProjectionInfo) -> Option<ViewShape> {
        self.generations.get(projection.name)?.shape
    }

    /// Whether it stores a projection's view, or an async projection's tables.
    pub(super) fn runs(&self, projection: &str) -> bool {
        self.projections.iter().any(|info| info.name == projection)
    }
}

impl ReadSide {
    /// The store of a projection's view.
    pub(super) fn of_projection(&self, projection: &str) -> Option<&Home> {
        self.homes.iter().find(|home| home.runs(projection))
    }

    /// The store of a view. A view that no projection makes belongs to the default store.
    pub(super) fn of_view(&self, view: &str) -> Option<&Home> {
        let (view, _) = taken_apart(view);
        let makes = |info: &&ProjectionInfo| info.view.is_some_and(|made| made.name == view);
        self.homes.iter().find(|home| home.projections.iter().any(makes)).or(self.homes.first())
    }

    /// Every view with how it is stored.
    pub(super) fn shapes(&self) -> Vec<(&'static str, ViewShape)> {
        let stored = |(home, info): (&Home, &ProjectionInfo)| Some((info.view?.name, home.shape_of(info)?));
        self.projections().into_iter().filter_map(stored).collect()
    }

    /// How the projection that makes a view stores it.
    pub(super) fn shape_of(&self, view: &str) -> Option<ViewShape> {
        let makes = |info: &ProjectionInfo| info.view.is_some_and(|made| made.name == view);
        self.projections().into_iter().find_map(|(home, info)| home.shape_of(info).filter(|_| makes(info)))
    }

    /// The first store in a database of this type.
    fn of_database(&self, database: TypeId) -> Option<&Home> {
        let is = |home: &&Home| home.store.database().is_some_and(|there| there.type_id == database);
        self.homes.iter().find(is).or(self.homes.first())
    }

    /// Every projection with its store.
    // Collected: an iterator of closures over both would keep futures that hold it from being `Send`.
    pub(super) fn projections(&self) -> Vec<(&Home, &'static ProjectionInfo)> {
        self.homes.iter().flat_map(|home| home.projections.iter().map(move |info| (home, *info))).collect()
    }

    /// The stores that are not the log's own.
    pub(crate) fn own(&self) -> impl Iterator<Item = &Arc<dyn ViewStore>> {
        self.homes.iter().filter(|home| home.runner().is_some()).map(|home| &home.store)
    }

    /// The runners of the stores that have one.
    pub(crate) fn runners(&self) -> impl Iterator<Item = &Runner> {
        self.homes.iter().filter_map(Home::runner)
    }

    /// The followers that keep the log's own views near its head.
    pub(crate) fn followers(&self) -> impl Iterator<Item = &Arc<Follower>> {
        self.homes.iter().filter_map(Home::follower)
    }
}

impl Inner {
    fn no_views(&self) -> StoreError {
        StoreError::Failed {
            store: self.log.describe(),
            reason: "it stores no views, and the app has no read database".into(),
        }
    }

    /// The rows of a view.
    pub(crate) fn view<V: View>(&self) -> Result<Views<V>, StoreError> {
        let home = self.reads.of_view(V::LAYOUT.name).ok_or_else(|| self.no_views())?;
        // A view that no projection makes has no rows under any name.
        let shape = self.reads.shape_of(V::LAYOUT.name).unwrap_or(V::LAYOUT.shape(V::LAYOUT.fields));
        Ok(Views::new(Arc::clone(&home.store), shape, home.gate()))
    }

    /// The store that `Reader<Db>` reads from, once it has processed the log as far as requested.
    pub(crate) async fn readable<Db: Database>(&self, after: Option<After>) -> Result<&dyn ViewStore, QueryError> {
        let home = self.reads.of_database(TypeId::of::<Db>()).ok_or_else(|| self.no_views())?;
        self.wait_in(home, after, Wanted::All).await?;
        if let (KeptBy::Runner(runner), None) = (&home.by, after) {
            runner.standings().require_tables(&*home.store).await?;
        }
        Ok(&*home.store)
    }

    /// Waits until a view has processed the log up to a position. Level 1: up to the log's head.
    pub(crate) async fn wait_for_view(&self, after: Option<After>, view: &'static str) -> Result<(), QueryError> {
        match self.reads.of_view(view) {
            Some(home) => self.wait_in(home, after, Wanted::View(view)).await,
            None => Err(self.no_views().into()),
        }
    }

    /// Waits until a projection has reached a position.
    pub(crate) async fn wait_for_projection(&self, after: After, projection: &'static str) -> Result<(), QueryError> {
        let home = self.reads.of_projection(projection).ok_or_else(|| self.no_views())?;
        self.wait_in(home, Some(after), Wanted::Projection(projection)).await
    }

    /// Waits until every projection has reached a position.
    pub(crate) async fn wait_for_all(&self, after: After) -> Result<(), QueryError> {
        let deadline = Instant::now() + after.within;
        for home in &self.reads.homes {
            let within = deadline.saturating_duration_since(Instant::now());
            self.wait_in(home, Some(After { within, ..after }), Wanted::All).await?;
        }
        Ok(())
    }

    async fn wait_in(&self, home: &Home, after: Option<After>, wanted: Wanted) -> Result<(), QueryError> {
        match (&home.by, after) {
            (KeptBy::Runner(runner), Some(after)) => {
                self.look_for(runner, &after);
                runner.standings().wait(&*home.store, after, wanted).await
            }
            (KeptBy::Commands(follower), after) => follower.wait(wanted, after).await,
            (KeptBy::Runner(_), None) | (KeptBy::Nobody, _) => Ok(()),
        }
    }

    /// Makes a runner look for an event that another process has appended, instead of waiting for the log's
    /// notification.
    fn look_for(&self, runner: &Runner, after: &After) {
        if self.head.get() < after.position {
            runner.look();
        }
    }
}
