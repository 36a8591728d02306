//! A view store without transactions, as the trait requires one to be, over the one in memory. It may crash between any two writes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cqrs_conformance::views::CrashingStore;
use cqrs_runtime::Position;
use cqrs_runtime::log::{BoxFuture, StoreError};
use cqrs_runtime::view::buffer::{Buffered, BufferedStore, Change, Cleared, Collected, Parking};
use cqrs_runtime::view::{Lease, MemoryViews, Removed, StandaloneTransaction, ViewShape, ViewStore};

/// Views that may die between any two writes.
pub type TornCommits = CrashingStore<Marked>;

/// Empty ones.
pub fn torn_views() -> TornCommits {
    CrashingStore::new(Marked::default())
}

/// Views in memory, with marks of what was removed.
#[derive(Clone, Default)]
pub struct Marked {
    views: MemoryViews,
    /// Where rows were removed, by view and key.
    marks: Arc<Mutex<HashMap<(String, String), Position>>>,
}

impl Marked {
    /// One row, unless a later one is there.
    async fn write_one(&self, shape: &ViewShape, key: &str, change: &Change) -> Result<(), StoreError> {
        let place = (shape.name.to_owned(), key.to_owned());
        let position = change.position();
        let stored = self.views.rows(shape, &[key.to_owned()]).await?.pop().map(|row| row.position);
        let marked = self.marks.lock().unwrap().get(&place).copied();
        if stored.max(marked).is_some_and(|newest| newest > position) {
            return Ok(());
        }
        let mut tx = self.views.begin(&[]).await?;
        match change {
            Change::Put(row) => {
                tx.write(shape, std::slice::from_ref(row), &[]).await?;
                self.marks.lock().unwrap().remove(&place);
            }
            Change::Remove(position) => {
                tx.write(shape, &[], &[Removed { key: key.to_owned(), position: *position }]).await?;
                self.marks.lock().unwrap().insert(place, *position);
            }
        }
        tx.commit().await
    }

    async fn write_one_by_one(&self, collected: Collected, leases: &[Lease]) -> Result<(), StoreError> {
        for Cleared { shape, projection } in collected.cleared {
            let mut tx = self.views.begin(leases).await?;
            tx.clear(shape.as_ref(), &projection).await?;
            tx.commit().await?;
            if let Some(shape) = shape {
                self.marks.lock().unwrap().retain(|(view, _), _| view != shape.name);
            }
        }
        for (shape, rows) in &collected.rows {
            for (key, change) in rows {
                self.write_one(shape, key, change).await?;
            }
        }
        let mut tx = self.views.begin(leases).await?;
        for parking in collected.parking {
            match parking {
                Parking::Park(parked) => tx.park(&[parked]).await?,
                Parking::Unpark { projection, key } => tx.unpark(&projection, &key).await?,
            }
        }
        tx.set_checkpoints(&collected.checkpoints.into_iter().collect::<Vec<_>>()).await?;
        for (live, next) in collected.replaced {
            tx.replace(live, next).await?;
            let mut marks = self.marks.lock().unwrap();
            marks.retain(|(view, _), _| view != live.shape.name);
            let moved: Vec<_> = marks.extract_if(|(view, _), _| view == next.shape.name).collect();
            marks.extend(moved.into_iter().map(|((_, key), at)| ((live.shape.name.to_owned(), key), at)));
        }
        tx.commit().await
    }
}

impl ViewStore for Marked {
    cqrs_runtime::view::forward_view_store! {
        self => self.views;
        prepare rows find count count_by checkpoint parked contents remove lease holders release
    }

    fn describe(&self) -> String {
        "the views without transactions".into()
    }
    fn begin<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<Box<dyn StandaloneTransaction>, StoreError>> {
        let tx = Buffered::new(self.clone(), leases);
        Box::pin(async { Ok(Box::new(tx) as Box<dyn StandaloneTransaction>) })
    }
}

impl BufferedStore for Marked {
    fn removed<'a>(
        &'a self,
        shape: &'a ViewShape,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Removed>, StoreError>> {
        let marks = self.marks.lock().unwrap();
        let removed = keys.iter().filter_map(|key| {
            let position = *marks.get(&(shape.name.to_owned(), key.clone()))?;
            Some(Removed { key: key.clone(), position })
        });
        Box::pin(std::future::ready(Ok(removed.collect())))
    }
    fn prepare_under<'a>(&'a self, leases: &'a [Lease], shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async {
            let mut tx = self.views.begin(leases).await?;
            tx.prepare(shape).await?;
            tx.commit().await
        })
    }
    fn write_all(&self, collected: Collected, leases: Vec<Lease>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.write_one_by_one(collected, &leases).await })
    }
}
