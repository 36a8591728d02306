//! What a runner is asked for while it works.

use std::time::Instant;

use super::Request;
use super::unit::{Rebuilt, Waiting, Wish};
use super::worker::Worker;
use crate::model::error::{Named, OperationError, UnknownName};
use crate::projection::replay::Replay;
use cqrs_core::position::Position;
use cqrs_core::store_error::StoreError;

impl Worker {
    fn place_of(&self, projection: &str) -> Option<usize> {
        self.units.iter().position(|unit| unit.part.is_none() && unit.projections.contains(&projection))
    }

    pub(super) fn serve(&mut self, request: Request) {
        match request {
            Request::Look => {}
            Request::Pause { projection, paused, answer } => {
                for unit in self.units.iter_mut().filter(|unit| unit.projections.contains(&projection)) {
                    unit.paused = paused;
                    self.standings.change(&unit.projections, |standing| standing.paused = paused);
                }
                let _ = answer.send(Ok(()));
            }
            Request::Rebuild { projection, answer } => self.wish(projection, Wish::Rebuild(answer)),
            Request::TakeUp { projection, key, skip, answer } => {
                self.wish(projection, Wish::TakeUp { projection, key, skip, answer });
            }
        }
    }

    fn wish(&mut self, projection: &'static str, wish: Wish) {
        let Some(place) = self.place_of(projection) else {
            let known = self.projections.iter().map(|info| info.name).collect();
            let name = projection.to_owned();
            return wish.refuse(OperationError::Unknown(UnknownName { what: Named::Projection, name, known }));
        };
        let unit = &mut self.units[place];
        if unit.paused && matches!(wish, Wish::Rebuild(_)) {
            return wish.refuse(OperationError::Paused { projection: unit.projection() });
        }
        if unit.wishes.is_empty() {
            unit.wished_since = Some(Instant::now());
        }
        unit.wishes.push_back(wish);
        if !unit.is_held() {
            unit.ask_at = Instant::now();
        }
    }

    /// Begins what was wished for, so far as the units are this process's.
    pub(super) async fn begin_wishes(&mut self) {
        for place in 0..self.units.len() {
            while self.units[place].is_held()
                && self.units[place].replay.is_none()
                && let Some(wish) = self.units[place].wishes.pop_front()
            {
                match wish {
                    Wish::Rebuild(answer) => match self.start_rebuild(place).await {
                        Ok(wanted) => {
                            self.units[place].waiting.push(Waiting::new(wanted, answer));
                            self.show(place);
                        }
                        Err(error) => {
                            self.fail(&[place], &error);
                            let _ = answer.send(Err(error.into()));
                        }
                    },
                    Wish::TakeUp { projection, key, skip, answer } => {
                        match self.start_replay(place, projection, &key, skip).await {
                            Ok(Some(replay)) => self.units[place].replay = Some((replay, answer)),
                            other => {
                                self.learn(place).await;
                                let _ = answer.send(other.map(drop));
                            }
                        }
                    }
                }
            }
            if self.units[place].is_done_with() {
                self.give_back(place).await;
            }
        }
    }

    /// Starts to fold a unit anew, and returns where an async one has to come to.
    async fn start_rebuild(&mut self, place: usize) -> Result<Position, StoreError> {
        let wanted = self.log.last().await?;
        let unit = &mut self.units[place];
        if unit.folds() {
            // Without a live build there is one under way already, from the start.
            if unit.live_at.is_some() {
                unit.start_beside(&*self.store).await?;
            }
        } else {
            unit.start_over(&*self.store, wanted).await?;
            self.standings.change(&unit.projections, |standing| standing.built = false);
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
        let unit = &self.units[place];
        let mut tx = self.store.begin(&unit.leases).await?;
        let replay = unit.live.replay(&mut *tx, projection, key, skip).await?;
        if replay.is_none() {
            tx.commit().await?;
        }
        Ok(replay)
    }

    /// Gives each parked key that is being taken up one page. Says whether there was any.
    pub(super) async fn replay(&mut self) -> bool {
        let mut any = false;
        for place in 0..self.units.len() {
            // Taken out meanwhile: should it panic, it is gone, and its key is parked as before.
            let Some((mut replay, answer)) = self.units[place].replay.take() else { continue };
            any = true;
            match self.feed(&mut replay).await {
                Ok(true) => self.units[place].replay = Some((replay, answer)),
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

    /// Reads a page for a replay. Says whether it lacks more.
    async fn feed(&self, replay: &mut Replay) -> Result<bool, StoreError> {
        let Some(after) = replay.after() else { return Ok(false) };
        let page = self.log.read(replay.query(), after, self.pace.batch).await?;
        replay.feed(&page.events, page.up_to);
        Ok(page.more && replay.after().is_some())
    }

    async fn finish(&self, place: usize, replay: Replay) -> Result<(), StoreError> {
        // The unit has stood still: nobody has moved the row.
        let mut tx = self.store.begin(&self.units[place].leases).await?;
        replay.finish(&mut *tx).await?;
        tx.commit().await
    }

    /// Answers those who wait for a rebuild, wherever it was finished; also where it does not get on any more.
    pub(super) async fn answer(&mut self) {
        let patience = self.patience();
        for unit in self.units.iter_mut().filter(|unit| !unit.waiting.is_empty()) {
            let is_watched = unit.is_watched();
            for mut waiting in std::mem::take(&mut unit.waiting) {
                let rebuilt = if is_watched {
                    unit.rebuilt_elsewhere(&*self.store, waiting.wanted).await
                } else {
                    unit.rebuilt_here(waiting.wanted)
                };
                let answer = match rebuilt {
                    Ok(Rebuilt::Whole(at)) => Ok(at),
                    Ok(Rebuilt::UpTo(at)) if waiting.gets_on(Some(at), patience) => {
                        unit.waiting.push(waiting);
                        continue;
                    }
                    Err(OperationError::Store(StoreError::Unavailable { .. })) if waiting.gets_on(None, patience) => {
                        unit.waiting.push(waiting);
                        continue;
                    }
                    Ok(Rebuilt::UpTo(position)) => {
                        Err(OperationError::Stalled { projection: unit.projection(), position, waited: patience })
                    }
                    Err(error) => Err(error),
                };
                let _ = waiting.answer.send(answer);
            }
        }
    }
}
