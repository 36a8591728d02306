//! What a runner is asked for while it works.

use std::time::Instant;

use super::worker::{Worker, elsewhere, failed};
use super::{Answer, Request};
use crate::log::{Position, StoreError};

impl Worker {
    fn place_of(&self, projection: &str) -> Option<usize> {
        self.units.iter().position(|unit| unit.names().contains(&projection))
    }

    pub(super) async fn serve(&mut self, request: Request) {
        match request {
            Request::Look => {}
            Request::Pause { projection, paused, answer } => {
                if let Some(place) = self.place_of(projection) {
                    let unit = &mut self.units[place];
                    unit.paused = paused;
                    self.standings.change(unit.names(), |standing| standing.paused = paused);
                }
                let _ = answer.send(Ok(()));
            }
            Request::Rebuild { projection, answer } => self.rebuild(projection, answer).await,
            Request::TakeUp { projection, key, skip, answer } => {
                let Some(place) = self.held(projection) else {
                    let _ = answer.send(Err(elsewhere(&[projection])));
                    return;
                };
                let taken = self.take_up(place, projection, &key, skip).await;
                self.learn(place).await;
                let _ = answer.send(taken);
            }
        }
    }

    /// The place of a projection's unit, if this process runs it.
    fn held(&self, projection: &str) -> Option<usize> {
        self.place_of(projection).filter(|&place| !self.units[place].leases.is_empty())
    }

    async fn rebuild(&mut self, projection: &'static str, answer: Answer<Position>) {
        let Some(place) = self.held(projection) else {
            let _ = answer.send(Err(elsewhere(&[projection])));
            return;
        };
        if self.units[place].paused {
            let _ = answer.send(Err(failed(&[projection], "it is paused: resume it first")));
            return;
        }
        match self.start_rebuild(place).await {
            Ok(wanted) => {
                self.units[place].waiting.push((wanted, answer));
                self.show(place);
            }
            Err(error) => {
                self.fail(&[place], &error);
                let _ = answer.send(Err(error));
            }
        }
    }

    /// Starts to fold a unit anew, and returns where an async one has to come to.
    async fn start_rebuild(&mut self, place: usize) -> Result<Position, StoreError> {
        let wanted = self.log.head().await?;
        let unit = &mut self.units[place];
        if unit.folds() {
            // Without a live build there is one under way already, from the start.
            if unit.live_at.is_some() {
                unit.start_beside(&*self.store).await?;
            }
        } else {
            unit.start_over(&*self.store).await?;
        }
        Ok(wanted)
    }

    async fn take_up(&self, place: usize, projection: &'static str, key: &str, skip: bool) -> Result<(), StoreError> {
        let unit = &self.units[place];
        let mut tx = self.store.begin(&unit.leases).await?;
        let Some(mut replay) = unit.live.replay(&mut *tx, projection, key, skip).await? else {
            return tx.commit().await;
        };
        // Nobody else moves the row meanwhile: this task alone does, under its lease.
        drop(tx);
        let mut renewed = Instant::now();
        while let Some(after) = replay.after() {
            if renewed.elapsed() > self.pace.lease / 3 {
                self.store.lease(unit.names(), &self.owner, self.pace.lease).await?;
                renewed = Instant::now();
            }
            let page = self.log.read(replay.query(), after, self.pace.batch).await?;
            replay.feed(&page.events, page.up_to);
            if !page.more {
                break;
            }
        }
        let mut tx = self.store.begin(&unit.leases).await?;
        replay.finish(&mut *tx).await?;
        tx.commit().await
    }
}
