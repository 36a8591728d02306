//! The read side of a running app: which database stores which view, what keeps it up to date, and how far it is.

use std::any::TypeId;
use std::sync::Arc;

use crate::projection::views::Gate;
use crate::projection::{Follower, Generations, ProjectionInfo, Runner};
use cqrs_core::view::{ViewShape, ViewStore, plain_name};

/// The read side of a running app.
#[derive(Default)]
pub(crate) struct ReadSide {
    /// The first is the default store.
    pub(crate) slots: Vec<StoreSlot>,
}

/// A read database of a running app.
pub(crate) struct StoreSlot {
    pub(crate) store: Arc<dyn ViewStore>,
    pub(crate) by: KeptBy,
    pub(crate) projections: Vec<&'static ProjectionInfo>,
    /// The names under which it stores its projections.
    pub(crate) generations: Generations,
}

/// The task that keeps a read database up to date.
pub(crate) enum KeptBy {
    /// A task of the app, or of another process (level 2).
    Runner(Runner),
    /// Each command, in the log's own transactions (level 1).
    Commands(Arc<Follower>),
    /// Nothing: it stores no projection.
    Nobody,
}

impl StoreSlot {
    pub(crate) fn runner(&self) -> Option<&Runner> {
        if let KeptBy::Runner(runner) = &self.by { Some(runner) } else { None }
    }

    pub(crate) fn follower(&self) -> Option<&Arc<Follower>> {
        if let KeptBy::Commands(follower) = &self.by { Some(follower) } else { None }
    }

    pub(crate) fn gate(&self) -> Gate {
        match &self.by {
            KeptBy::Runner(runner) => Gate::Runner(Arc::clone(runner.progress_table())),
            KeptBy::Commands(follower) => Gate::Follower(Arc::clone(follower)),
            KeptBy::Nobody => Gate::Open,
        }
    }

    /// How one of its projections stores its view. `None` for an async projection.
    pub(crate) fn shape_of(&self, projection: &ProjectionInfo) -> Option<ViewShape> {
        self.generations.get(projection.name)?.shape
    }

    /// Whether it stores a projection's view, or an async projection's tables.
    pub(crate) fn runs(&self, projection: &str) -> bool {
        self.projections.iter().any(|info| info.name == projection)
    }
}

impl ReadSide {
    /// The store of a projection's view.
    pub(crate) fn of_projection(&self, projection: &str) -> Option<&StoreSlot> {
        self.slots.iter().find(|slot| slot.runs(projection))
    }

    /// The store of a view. A view that no projection makes belongs to the default store.
    pub(crate) fn of_view(&self, view: &str) -> Option<&StoreSlot> {
        let (view, _) = plain_name(view);
        let makes = |info: &&ProjectionInfo| info.view.is_some_and(|made| made.name == view);
        self.slots.iter().find(|slot| slot.projections.iter().any(makes)).or(self.slots.first())
    }

    /// Every view with how it is stored.
    pub(crate) fn shapes(&self) -> Vec<(&'static str, ViewShape)> {
        let stored = |(slot, info): (&StoreSlot, &ProjectionInfo)| Some((info.view?.name, slot.shape_of(info)?));
        self.projections().into_iter().filter_map(stored).collect()
    }

    /// How the projection that makes a view stores it.
    pub(crate) fn shape_of(&self, view: &str) -> Option<ViewShape> {
        let makes = |info: &ProjectionInfo| info.view.is_some_and(|made| made.name == view);
        self.projections().into_iter().find_map(|(slot, info)| slot.shape_of(info).filter(|_| makes(info)))
    }

    /// The first store in a database of this type.
    pub(crate) fn of_database(&self, database: TypeId) -> Option<&StoreSlot> {
        let is = |slot: &&StoreSlot| slot.store.database().is_some_and(|there| there.type_id == database);
        self.slots.iter().find(is).or(self.slots.first())
    }

    /// Every projection with its store.
    // Collected: an iterator of closures over both would keep futures that hold it from being `Send`.
    pub(crate) fn projections(&self) -> Vec<(&StoreSlot, &'static ProjectionInfo)> {
        self.slots.iter().flat_map(|slot| slot.projections.iter().map(move |info| (slot, *info))).collect()
    }

    /// The stores that are not the log's own.
    pub(crate) fn own(&self) -> impl Iterator<Item = &Arc<dyn ViewStore>> {
        self.slots.iter().filter(|slot| slot.runner().is_some()).map(|slot| &slot.store)
    }

    /// The runners of the stores that have one.
    pub(crate) fn runners(&self) -> impl Iterator<Item = &Runner> {
        self.slots.iter().filter_map(StoreSlot::runner)
    }

    /// The followers that keep the log's own views near its head.
    pub(crate) fn followers(&self) -> impl Iterator<Item = &Arc<Follower>> {
        self.slots.iter().filter_map(StoreSlot::follower)
    }
}
