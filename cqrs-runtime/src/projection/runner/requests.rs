//! Requests of operators to the runner.

use std::time::Instant;

use super::Request;
use super::pending::{PendingRequest, Rebuilt, Waiting};
use super::worker::Worker;
use crate::model::error::{Named, OperationError, UnknownName};
use crate::projection::replay::Replay;
use cqrs_core::position::Position;
use cqrs_core::store_error::StoreError;

impl Worker {
    fn place_of(&self, projection: &str) -> Option<usize> {
        self.groups.iter().position(|group| group.partitions.part.is_none() && group.projections.contains(&projection))
    }

    pub(super) fn serve(&mut self, request: Request) {
        match request {
            Request::Look => {}
            Request::Pause { projection, paused, answer } => {
                for group in self.groups.iter_mut().filter(|group| group.projections.contains(&projection)) {
                    group.paused = paused;
                    self.progress_table.change(&group.projections, |progress| progress.paused = paused);
                }
                let _ = answer.send(Ok(()));
            }
            Request::Rebuild { projection, answer } => self.enqueue(projection, PendingRequest::Rebuild(answer)),
            Request::RetryKey { projection, key, skip, answer } => {
                self.enqueue(projection, PendingRequest::RetryKey { projection, key, skip, answer });
            }
        }
    }

    fn enqueue(&mut self, projection: &'static str, enqueue: PendingRequest) {
        let Some(place) = self.place_of(projection) else {
            let known = self.projections.iter().map(|info| info.name).collect();
            let name = projection.to_owned();
            return enqueue.refuse(OperationError::Unknown(UnknownName { what: Named::Projection, name, known }));
        };
        let group = &mut self.groups[place];
        if group.paused && matches!(enqueue, PendingRequest::Rebuild(_)) {
            return enqueue.refuse(OperationError::Paused { projection: group.projection() });
        }
        if group.operator.requests.is_empty() {
            group.operator.requested_since = Some(Instant::now());
        }
        group.operator.requests.push_back(enqueue);
        if !group.leases.is_held() {
            group.leases.ask_at = Instant::now();
        }
    }

    /// Starts pending requests of the groups that this process holds.
    pub(super) async fn start_requests(&mut self) {
        for place in 0..self.groups.len() {
            while self.groups[place].leases.is_held()
                && self.groups[place].operator.replay.is_none()
                && let Some(enqueue) = self.groups[place].operator.requests.pop_front()
            {
                match enqueue {
                    PendingRequest::Rebuild(answer) => match self.start_rebuild(place).await {
                        Ok(wanted) => {
                            self.groups[place].operator.waiting.push(Waiting::new(wanted, answer));
                            self.show(place);
                        }
                        Err(error) => {
                            self.fail(&[place], &error);
                            let _ = answer.send(Err(error.into()));
                        }
                    },
                    PendingRequest::RetryKey { projection, key, skip, answer } => {
                        match self.start_replay(place, projection, &key, skip).await {
                            Ok(Some(replay)) => self.groups[place].operator.replay = Some((replay, answer)),
                            other => {
                                self.learn(place).await;
                                let _ = answer.send(other.map(drop));
                            }
                        }
                    }
                }
            }
            if self.groups[place].is_done_with() {
                self.give_back(place).await;
            }
        }
    }

    /// Starts a rebuild, and returns the position that an async projection must reach.
    async fn start_rebuild(&mut self, place: usize) -> Result<Position, StoreError> {
        let wanted = self.log.last().await?;
        let group = &mut self.groups[place];
        if group.folds() {
            // Without a live build, a build from the start is in progress already.
            if group.builds.live_at.is_some() {
                group.start_shadow(&*self.store).await?;
            }
        } else {
            group.start_over(&*self.store, wanted).await?;
            self.progress_table.change(&group.projections, |progress| progress.built = false);
        }
        Ok(wanted.position)
    }

    async fn start_replay(
        &self,
        place: usize,
        projection: &'static str,
        key: &str,
        skip: bool,
    ) -> Result<Option<Replay>, OperationError> {
        let group = &self.groups[place];
        let mut tx = self.store.begin(&group.leases.held).await?;
        let replay = group.live.replay(&mut *tx, projection, key, skip).await?;
        if replay.is_none() {
            tx.commit().await?;
        }
        Ok(replay)
    }

    /// Gives each parked key that is being resumed one page. Returns whether there was any.
    pub(super) async fn replay(&mut self) -> bool {
        let mut any = false;
        for place in 0..self.groups.len() {
            // Taken out while it is fed: if it panics it is gone, and its key is parked as before.
            let Some((mut replay, answer)) = self.groups[place].operator.replay.take() else { continue };
            any = true;
            match self.feed(&mut replay).await {
                Ok(true) => self.groups[place].operator.replay = Some((replay, answer)),
                Ok(false) => {
                    let finished = self.finish(place, replay).await;
                    self.learn(place).await;
                    let _ = answer.send(finished.map_err(Into::into));
                }
                Err(error) => drop(answer.send(Err(error.into()))),
            }
        }
        any
    }

    /// Reads a page for a replay. Returns whether it needs more.
    async fn feed(&self, replay: &mut Replay) -> Result<bool, StoreError> {
        let Some(after) = replay.after() else { return Ok(false) };
        let page = self.log.read(replay.query(), after, self.timing.batch).await?;
        replay.feed(&page.events, page.up_to);
        Ok(page.more && replay.after().is_some())
    }

    async fn finish(&self, place: usize, replay: Replay) -> Result<(), StoreError> {
        // The group did not move during the replay, so the row is unchanged.
        let mut tx = self.store.begin(&self.groups[place].leases.held).await?;
        replay.finish(&mut *tx).await?;
        tx.commit().await
    }

    /// Answers callers that wait for a rebuild, wherever it ran, or tells them that it makes no progress.
    pub(super) async fn answer(&mut self) {
        let patience = self.patience();
        for group in self.groups.iter_mut().filter(|group| !group.operator.waiting.is_empty()) {
            let is_watched = group.is_watched();
            for mut waiting in std::mem::take(&mut group.operator.waiting) {
                let rebuilt = if is_watched {
                    group.rebuilt_elsewhere(&*self.store, waiting.wanted).await
                } else {
                    group.rebuilt_here(waiting.wanted)
                };
                let answer = match rebuilt {
                    Ok(Rebuilt::Whole(at)) => Ok(at),
                    Ok(Rebuilt::UpTo(at)) if waiting.gets_on(Some(at), patience) => {
                        group.operator.waiting.push(waiting);
                        continue;
                    }
                    Err(OperationError::Store(StoreError::Unavailable { .. })) if waiting.gets_on(None, patience) => {
                        group.operator.waiting.push(waiting);
                        continue;
                    }
                    Ok(Rebuilt::UpTo(position)) => {
                        Err(OperationError::Stalled { projection: group.projection(), position, waited: patience })
                    }
                    Err(error) => Err(error),
                };
                let _ = waiting.answer.send(answer);
            }
        }
    }
}
