//! Operator requests at level 1: rebuilds and retries of parked keys. Commands are not blocked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::follower::{Group, Shared};
use crate::model::error::{Named, OperationError, UnknownName};
use crate::projection::PAGE;
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::Checkpoint;

/// How long a rebuild may make no progress before the call fails.
const STALLED: Duration = Duration::from_secs(20);

/// The number of attempts when other processes do the same thing.
const ATTEMPTS: u32 = 20;

impl Shared {
    fn group(&self, projection: &'static str) -> Result<&Group, OperationError> {
        let group = self.groups.iter().find(|group| group.live.projections().contains(&projection));
        let known = || self.groups.iter().flat_map(|group| group.live.projections()).collect();
        let unknown = || UnknownName { what: Named::Projection, name: projection.to_owned(), known: known() };
        group.ok_or_else(|| OperationError::Unknown(unknown()))
    }

    /// Rebuilds a projection and those it shares look-ups with. Returns the position that they reached.
    pub(crate) async fn rebuild(&self, projection: &'static str) -> Result<Position, OperationError> {
        let group = self.group(projection)?;
        let wanted = self.begin(group).await?;
        let mut moved = self.inline.moved.subscribe();
        self.wake.notify_one();
        let (mut at, mut since) = (Position::START, Instant::now());
        loop {
            moved.borrow_and_update();
            if let Some(error) = self.error() {
                return Err(error.into());
            }
            if let Some(at) = self.finished(group, projection, wanted).await? {
                self.catch_up().await?;
                return Ok(at);
            }
            let now =
                self.inline.get(projection).map(|known| known.shadow.unwrap_or(known.reached)).unwrap_or_default();
            if now != at {
                (at, since) = (now, Instant::now());
            } else if since.elapsed() > STALLED {
                return Err(OperationError::Stalled {
                    projection: projection.to_owned(),
                    position: at,
                    waited: STALLED,
                });
            }
            let _ = tokio::time::timeout(STALLED, moved.changed()).await;
        }
    }

    /// Begins a rebuild. Returns the position that it must reach.
    async fn begin(&self, group: &Group) -> Result<Position, StoreError> {
        let mut attempt = 1;
        loop {
            for shape in group.shadow.shapes() {
                self.store.prepare(shape).await?;
            }
            let begun = self.begin_prepared(group).await;
            // Another process may have finished its own rebuild in between.
            if begun.is_ok() || attempt == ATTEMPTS || group.shadow.shapes().next().is_none() {
                return begun;
            }
            attempt += 1;
        }
    }

    async fn begin_prepared(&self, group: &Group) -> Result<Position, StoreError> {
        let mut tx = self.log.begin().await?;
        let head = tx.head();
        let Some(views) = tx.views() else { return Ok(head) };
        // An async projection only processes its events again. It must reset its tables itself.
        let engine = &group.shadow;
        for name in engine.names() {
            engine.clear(views, name).await?;
            let start = Checkpoint::at(Bookmark::START, engine.fingerprint(name));
            views.set_checkpoints(&[(*name, start)]).await?;
        }
        views.set_checkpoints(&engine.claims()).await?;
        let reached = self.inline.reached(&mut *tx).await?;
        tx.commit().await?;
        self.inline.learn(reached, head);
        Ok(head)
    }

    /// The position that a rebuild has reached, if it is finished.
    async fn finished(
        &self,
        group: &Group,
        projection: &'static str,
        wanted: Position,
    ) -> Result<Option<Position>, OperationError> {
        for place in group.shadow.places() {
            if self.store.checkpoint(place.projection).await?.is_some() {
                return Ok(None);
            }
        }
        let mut lowest = None;
        for name in group.live.names() {
            let at = self.store.checkpoint(name).await?.map(|checkpoint| checkpoint.position).unwrap_or_default();
            lowest = Some(lowest.map_or(at, |lowest: Position| lowest.min(at)));
        }
        if group.live.has_handles() {
            let parked = self.store.parked().await?;
            if parked.iter().any(|entry| entry.projection == projection && entry.key.is_empty()) {
                return Err(OperationError::ParkedAgain { projection: projection.to_owned() });
            }
            if lowest.is_none_or(|at| !super::is_near(at, wanted)) {
                return Ok(None);
            }
            let at = self.catch_up().await?;
            return Ok(Some(at));
        }
        Ok(lowest)
    }

    /// Retries a parked key, from the event at which it is parked or, with `skip`, after it.
    ///
    /// Its events are read without the log's lock.
    pub(crate) async fn retry_key(
        &self,
        projection: &'static str,
        key: &str,
        skip: bool,
    ) -> Result<(), OperationError> {
        let engine = Arc::clone(&self.group(projection)?.live);
        let mut attempt = 1;
        'again: loop {
            let mut tx = self.log.begin().await?;
            let Some(views) = tx.views() else { return Ok(()) };
            let Some(mut replay) = engine.replay(views, projection, key, skip).await? else {
                // An async projection resumes at the position where it was parked.
                self.inline.catch_up(&mut *tx, &self.recorder).await?;
                let (reached, head) = (self.inline.reached(&mut *tx).await?, tx.head());
                tx.commit().await?;
                self.inline.learn(reached, head);
                return Ok(());
            };
            drop(tx);
            loop {
                while let Some(after) = replay.after() {
                    let page = self.log.read(replay.query(), after, PAGE).await?;
                    replay.feed(&page.events, page.up_to);
                }
                let mut tx = self.log.begin().await?;
                let Some(views) = tx.views() else { return Ok(()) };
                if !replay.go_on(views).await? {
                    // Another process has retried or rebuilt it.
                    attempt += 1;
                    if attempt > ATTEMPTS {
                        let reason = format!("its key `{key}` kept being changed by other processes: try again");
                        let store = format!("projection `{projection}`");
                        return Err(StoreError::Failed { store, reason }.into());
                    }
                    continue 'again;
                }
                if replay.after().is_some_and(|after| !super::is_near(after, tx.head())) {
                    // Many events were folded in between. Read them without the lock too.
                    continue;
                }
                while let Some(after) = replay.after() {
                    let page = tx.read(replay.query(), after, PAGE).await?;
                    replay.feed(&page.events, page.up_to);
                }
                let Some(views) = tx.views() else { return Ok(()) };
                replay.finish(views).await?;
                self.inline.catch_up(&mut *tx, &self.recorder).await?;
                let (reached, head) = (self.inline.reached(&mut *tx).await?, tx.head());
                tx.commit().await?;
                self.inline.learn(reached, head);
                return Ok(());
            }
        }
    }
}
