//! A process that dies in the middle of its commits, or is late with one.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use cqrs_core::log::{BoxFuture, StoreError};
use cqrs_core::view::buffer::{Buffered, BufferedStore, Collected};
use cqrs_core::view::plain_name;
use cqrs_core::view::{Lease, Removed, StandaloneTransaction, ViewShape, ViewStore};

/// A view store without transactions whose commits are written in as many steps as its contract allows, row by row, and may end
/// between any two of them, as if the process had died there. For tests of such a store, with an app on it: after any interruption, its
/// rows are to be those that a fold of the whole log makes.
///
/// Rows are written without a look at the leases, as by a process that took that look long ago.
#[derive(Clone)]
pub struct CrashingStore<S> {
    store: S,
    /// How many writes are left before one fails; less than none: all succeed.
    writes_left: Arc<AtomicI64>,
    /// How many writes every other commit gets, if it is to die again and again.
    again: Arc<Mutex<Option<Again>>>,
    deaths: Arc<AtomicUsize>,
    /// The view whose rows are refused.
    refused: Arc<Mutex<Option<String>>>,
    /// Whether commits wait, how many do, and whether those that did succeeded.
    stalled: Arc<watch::Sender<bool>>,
    waiting: Arc<watch::Sender<usize>>,
    late: Arc<watch::Sender<Vec<bool>>>,
}

impl<S> fmt::Debug for CrashingStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrashingStore").field("deaths", &self.deaths).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Default)]
struct Again {
    writes: i64,
    lives: bool,
}

impl<S: BufferedStore + Clone> CrashingStore<S> {
    /// A store that does not crash yet: see [`fail_after`](Self::fail_after).
    #[must_use]
    pub fn new(store: S) -> Self {
        Self {
            store,
            writes_left: Arc::new(AtomicI64::new(-1)),
            again: Arc::default(),
            deaths: Arc::default(),
            refused: Arc::default(),
            stalled: Arc::default(),
            waiting: Arc::default(),
            late: Arc::default(),
        }
    }

    /// Lets `writes` succeed, and then one fail. Less than none: all succeed.
    pub fn fail_after(&self, writes: i64) {
        self.writes_left.store(writes, Ordering::SeqCst);
    }

    /// Whether the failure is still to come.
    #[must_use]
    pub fn is_to_fail(&self) -> bool {
        self.writes_left.load(Ordering::SeqCst) >= 0
    }

    /// Lets every other commit fail from now on: the first before its first write, the next after one, and so on.
    pub fn fail_again_and_again(&self) {
        *self.again.lock().unwrap_or_else(PoisonError::into_inner) = Some(Again::default());
    }

    /// How many writes have failed.
    #[must_use]
    pub fn deaths(&self) -> usize {
        self.deaths.load(Ordering::SeqCst)
    }

    /// Refuses the rows of a view from now on, or of none: of each of its fingerprints. `VIEW@next` is its shadow build.
    pub fn refuse(&self, view: Option<&str>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = view.map(str::to_owned);
    }

    /// Lets commits wait, or go on.
    pub fn stall(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }

    /// Waits until a commit waits.
    pub async fn is_waited_for(&self) {
        // The sender is this store's own: it does not go away.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await;
    }

    /// Waits for the end of a commit that had to wait, and says whether it succeeded.
    pub async fn late_commit(&self) -> bool {
        let mut late = self.late.subscribe();
        late.wait_for(|late| !late.is_empty()).await.is_ok_and(|succeeded| succeeded[0])
    }

    /// The same store, as another process has it: it does not stall.
    #[must_use]
    pub fn another(&self) -> Self {
        Self { stalled: Arc::default(), waiting: Arc::default(), late: Arc::default(), ..self.clone() }
    }

    fn begin_commit(&self) {
        let mut again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(again) = &mut *again {
            self.fail_after(if again.lives { -1 } else { again.writes });
            again.writes += i64::from(again.lives);
            again.lives = !again.lives;
        }
    }

    fn write_one(&self) -> Result<(), StoreError> {
        if self.writes_left.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.deaths.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::Unavailable { store: self.describe(), reason: "the process died".into() });
        }
        Ok(())
    }

    async fn write_one_by_one(&self, collected: Collected, leases: &[Lease]) -> Result<(), StoreError> {
        let Collected { cleared, rows, parking, checkpoints, replaced } = collected;
        self.begin_commit();
        for cleared in cleared {
            self.write_one()?;
            let step = Collected { cleared: vec![cleared], ..Collected::default() };
            self.store.write_all(step, leases.to_vec()).await?;
        }
        for (shape, changes) in rows {
            for change in changes {
                self.write_one()?;
                let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if refused.is_some_and(|refused| refused == plain_name(shape.name).0) {
                    return Err(StoreError::Failed { store: self.describe(), reason: "it takes no such rows".into() });
                }
                let step = Collected { rows: vec![(shape, [change].into())], ..Collected::default() };
                self.store.write_all(step, Vec::new()).await?;
            }
        }
        for parking in parking {
            self.write_one()?;
            let step = Collected { parking: vec![parking], ..Collected::default() };
            self.store.write_all(step, leases.to_vec()).await?;
        }
        self.write_one()?;
        let step = Collected { checkpoints, replaced, ..Collected::default() };
        self.store.write_all(step, leases.to_vec()).await
    }
}

impl<S: BufferedStore + Clone> ViewStore for CrashingStore<S> {
    cqrs_core::forward_view_store! {
        self => self.store;
        describe prepare rows find count exists count_by sum checkpoint parked contents remove lease holders release
    }

    fn begin<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Result<Box<dyn StandaloneTransaction>, StoreError>> {
        let transaction: Box<dyn StandaloneTransaction> = Box::new(Buffered::new(self.clone(), leases));
        Box::pin(std::future::ready(Ok(transaction)))
    }
}

impl<S: BufferedStore + Clone> BufferedStore for CrashingStore<S> {
    fn removed<'a>(
        &'a self,
        shape: &'a ViewShape,
        keys: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Removed>, StoreError>> {
        self.store.removed(shape, keys)
    }

    fn prepare_under<'a>(&'a self, leases: &'a [Lease], shape: &'a ViewShape) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.prepare_under(leases, shape)
    }

    fn write_all(&self, collected: Collected, leases: Vec<Lease>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let waits = *self.stalled.borrow();
            if waits {
                self.waiting.send_modify(|waiting| *waiting += 1);
                let _ = self.stalled.subscribe().wait_for(|stalled| !stalled).await;
            }
            let committed = self.write_one_by_one(collected, &leases).await;
            if waits {
                self.late.send_modify(|late| late.push(committed.is_ok()));
            }
            committed
        })
    }
}
