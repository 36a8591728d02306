//! A policy's runner: follows the log from the checkpoint, event by event.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::checkpoint::{NO_ROWS, checkpoints};
use super::claim::{Claim, Claimant};
use super::error::ReactionError;
use super::handling::{Ready, event_key, parked, react, ready};
use super::reaction::{PolicyInfo, Reaction};
use super::returns::Failure;
use super::settings::Settings;
use super::status::State;
use crate::bus::services::Services;
use crate::projection::lost_text;
use crate::telemetry::PolicyRecorder;
use cqrs_core::event::RecordedEvent;
use cqrs_core::log::EventQuery;
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Checkpoint, Parked};

/// How many events are read at once.
const PAGE: usize = 100;

/// How many events without this policy's the stored checkpoint may lag behind.
const MOST_UNSTORED: u64 = 1_000;

pub(super) struct Runner {
    info: &'static PolicyInfo,
    query: EventQuery,
    /// Weak, so that the app, and the runner with it, ends when its last handle is dropped.
    services: Weak<Services>,
    appended: watch::Receiver<Position>,
    state: watch::Sender<State>,
    settings: Settings,
    claimant: Claimant,
    /// The rest of the page that was read.
    page: VecDeque<RecordedEvent>,
    /// The end of the page.
    read: Bookmark,
    work: Option<Work>,
    /// Every event up to here has been handled.
    position: Bookmark,
    /// The checkpoint.
    stored: Bookmark,
    /// Entries to store with the next checkpoint.
    parked: Vec<Parked>,
    /// Whether the checkpoint must be stored before anything else is done.
    unstored: bool,
    /// Why it waits for an operator, and the checkpoint that the operator has to change.
    stopped: Option<(String, Bookmark)>,
    /// How many failures there were in a row.
    failures: u32,
    /// How often the current step has been tried.
    tries: u32,
    recorder: PolicyRecorder,
    closing: watch::Receiver<bool>,
}

/// The current event.
struct Work {
    event: RecordedEvent,
    reaction: &'static Reaction,
    /// The commands that are left to send, once the policy has answered.
    commands: Option<VecDeque<Ready>>,
}

/// What to do after a step.
enum Next {
    Step,
    Wait,
    /// Repeats the step after a pause, for this reason.
    Again(String),
    Stop,
}

impl Runner {
    pub(super) fn new(
        info: &'static PolicyInfo,
        services: Weak<Services>,
        appended: watch::Receiver<Position>,
        state: watch::Sender<State>,
        settings: Settings,
        recorder: PolicyRecorder,
        closing: watch::Receiver<bool>,
    ) -> Self {
        let position = state.borrow().position;
        Self {
            info,
            query: EventQuery::named(&info.events()),
            services,
            appended,
            state,
            settings,
            claimant: Claimant::new(settings.lease),
            page: VecDeque::new(),
            read: position,
            work: None,
            position,
            stored: position,
            parked: Vec::new(),
            unstored: false,
            stopped: None,
            failures: 0,
            tries: 0,
            recorder,
            closing,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            let Some(services) = self.services.upgrade() else { return };
            if *self.closing.borrow() {
                return self.give_back(&services).await;
            }
            let next = self.step(&services).await;
            // The app is not kept alive while the runner waits.
            drop(services);
            let goes_on = match next {
                Next::Step => true,
                // If the app is gone, the next turn sees it.
                Next::Wait => {
                    let appended = async {
                        tokio::select! {
                            biased;
                            _ = self.closing.changed() => true,
                            appended = self.appended.changed() => appended.is_ok(),
                        }
                    };
                    timeout(self.settings.poll, appended).await.unwrap_or(true)
                }
                Next::Again(error) => self.pause(error).await,
                Next::Stop => false,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Releases everything that another process would wait for. Called between two attempts, when the policy's function is not
    /// running.
    async fn give_back(&mut self, services: &Services) {
        let stored = if self.unstored { self.store(services).await.map(drop) } else { Ok(()) };
        if let Err(error) = stored.and(self.claimant.release(services, self.info).await) {
            let policy = self.info.name;
            tracing::warn!(policy, %error, "claim of a policy not released; another process takes over after its timeout");
        }
    }

    async fn step(&mut self, services: &Arc<Services>) -> Next {
        let stepped = self.try_step(services).await;
        let next = stepped.unwrap_or_else(|error| Next::Again(error.to_string()));
        if !matches!(next, Next::Again(_)) {
            self.failures = 0;
        }
        next
    }

    async fn try_step(&mut self, services: &Arc<Services>) -> Result<Next, StoreError> {
        if self.stopped.is_some() {
            return self.wait_for_operator(services).await;
        }
        if self.unstored {
            if !self.store(services).await? {
                return self.stop(services).await;
            }
            self.tell(None);
        }
        if let Some(work) = self.work.take() {
            return self.go_on(services, work).await;
        }
        if let Some(event) = self.page.pop_front() {
            if let Some(reaction) = self.info.reactions.iter().find(|reaction| reaction.event == event.name()) {
                self.work = Some(Work { event, reaction, commands: None });
            }
            return Ok(Next::Step);
        }
        if self.read.position > self.position.position {
            self.position = self.read;
        }
        let lag = self.position.position.distance_from(self.stored.position);
        if lag > MOST_UNSTORED && !self.store(services).await? {
            return self.stop(services).await;
        }
        self.tell(None);
        // Appends from here on wake the runner again.
        self.appended.borrow_and_update();
        let page = services.log.read(&self.query, self.position.position, PAGE).await?;
        if !page.continues(self.position) {
            return self.stop(services).await;
        }
        self.read = page.end();
        self.page = page.events.into();
        if !self.page.is_empty() {
            return Ok(Next::Step);
        }
        // The page has no event of this policy.
        self.position = self.read;
        self.tell(None);
        Ok(Next::Wait)
    }

    /// Does the remaining steps of an event.
    async fn go_on(&mut self, services: &Arc<Services>, work: Work) -> Result<Next, StoreError> {
        if work.commands.is_none() && work.reaction.effects {
            match self.claimant.claim(services, self.info, (&work.event).into()).await {
                Ok(Claim::Ours) => {}
                Ok(Claim::Done) => {
                    self.position = Bookmark::from(&work.event);
                    return Ok(Next::Step);
                }
                Ok(Claim::Lost) => return self.stop(services).await,
                Ok(Claim::Theirs) => {
                    self.work = Some(work);
                    return Ok(Next::Wait);
                }
                Err(error) => return Ok(self.again(work, error.to_string())),
            }
        }
        let span = services.trace_link.reaction(self.info.name, &work.event);
        self.handle(services, work).instrument(span).await
    }

    /// Calls the policy, unless it has already answered, and sends its commands.
    async fn handle(&mut self, services: &Arc<Services>, mut work: Work) -> Result<Next, StoreError> {
        if work.commands.is_none() {
            match react(services, work.reaction, &work.event).await {
                Ok(sent) => {
                    self.tries = 0;
                    work.commands = Some(ready(self.info, &work.event, sent));
                }
                Err(ReactionError::Unavailable(error)) => return Ok(self.again(work, error.to_string())),
                Err(ReactionError::Failed(error)) if self.has_tries_left() => return Ok(self.again(work, error)),
                Err(error) => {
                    self.park(&work.event, event_key(&work.event), error.to_string());
                    self.tries = 0;
                    work.commands = Some(VecDeque::new());
                }
            }
        }
        let event = &work.event;
        let commands = work.commands.get_or_insert_default();
        while let Some(ready) = commands.front_mut() {
            match ready.execute(services, self.info, event).await {
                Ok(()) => {}
                Err(Failure::ShutDown) => return Ok(Next::Stop),
                Err(Failure::Unavailable(error)) => return Ok(self.again(work, error)),
                Err(Failure::Later(error)) if self.has_tries_left() => return Ok(self.again(work, error)),
                Err(Failure::Later(error) | Failure::Final(error)) => {
                    let (key, error) = (ready.key.clone(), ready.refused(&error));
                    self.park(event, key, error);
                }
            }
            (self.failures, self.tries) = (0, 0);
            commands.pop_front();
        }
        self.position = Bookmark::from(event);
        self.recorder.handled();
        // Store the checkpoint at once after outside effects, which must not be repeated. Commands have ids: once per page
        // is enough.
        self.unstored = work.reaction.effects || !self.parked.is_empty() || self.page.is_empty();
        if self.unstored && !self.store(services).await? {
            return self.stop(services).await;
        }
        self.tell(None);
        Ok(Next::Step)
    }

    fn again(&mut self, work: Work, error: String) -> Next {
        self.work = Some(work);
        Next::Again(error)
    }

    /// Counts an attempt of a step that may still succeed.
    fn has_tries_left(&mut self) -> bool {
        self.tries += 1;
        self.settings.retry.allows_more_than(self.tries)
    }

    fn park(&mut self, event: &RecordedEvent, key: String, error: String) {
        let (policy, position) = (self.info.name, event.position().get());
        tracing::error!(
            policy,
            event = event.name(),
            position,
            key,
            error,
            "policy could not finish an event; event parked"
        );
        self.parked.push(parked(self.info, event, key, error));
    }

    /// Moves the checkpoint and stores parked entries. A checkpoint that another process has moved further stays. Returns `false`
    /// if the log has lost what was handled.
    async fn store(&mut self, services: &Services) -> Result<bool, StoreError> {
        let mut tx = services.log.begin().await?;
        let views = checkpoints(&mut *tx, &services.log.describe())?;
        let known = views.checkpoints(&[self.info.owner]).await?.pop().flatten();
        let handled = [self.position, known.map_or(Bookmark::START, |known| known.bookmark())];
        if !tx.holds(&handled).await?.into_iter().all(|held| held) {
            return Ok(false);
        }
        let views = checkpoints(&mut *tx, &services.log.describe())?;
        if known.is_none_or(|known| known.position < self.position.position) {
            let reached = Checkpoint::at(self.position, self.claimant.left_of(known));
            views.set_checkpoints(&[(self.info.owner, reached)]).await?;
        }
        if !self.parked.is_empty() {
            views.park(&self.parked).await?;
        }
        tx.commit().await?;
        self.parked.clear();
        (self.stored, self.unstored) = (self.position, false);
        Ok(true)
    }

    /// Stops because the log has lost events that were handled: an operator says from where to go on. All processes that run the
    /// policy stop, since the checkpoint has the lost event's id.
    async fn stop(&mut self, services: &Arc<Services>) -> Result<Next, StoreError> {
        // The page may have been read before the loss.
        (self.work, self.unstored) = (None, false);
        self.page.clear();
        let mut tx = services.log.begin().await?;
        let last = tx.last().await?;
        let views = checkpoints(&mut *tx, &services.log.describe())?;
        let known = views.checkpoints(&[self.info.owner]).await?.pop().flatten();
        let stored = known.map_or(Bookmark::START, |known| known.bookmark());
        let held = tx.holds(&[self.position, stored]).await?;
        if held[0] && held[1] {
            // Only events of the page are lost, none that was handled.
            drop(tx);
            self.go_on_from(if stored.position > self.position.position { stored } else { self.position }, stored);
            return Ok(Next::Step);
        }
        if held[1] && stored.position >= self.position.position {
            drop(tx);
            self.go_on_from(stored, stored);
            return Ok(Next::Step);
        }
        let lost = if held[1] { self.position } else { stored };
        if lost != stored || !self.parked.is_empty() {
            let views = checkpoints(&mut *tx, &services.log.describe())?;
            views.set_checkpoints(&[(self.info.owner, Checkpoint::at(lost, NO_ROWS))]).await?;
            views.park(&self.parked).await?;
            tx.commit().await?;
            self.parked.clear();
        }
        let text = lost_text(lost, last);
        tracing::error!(policy = self.info.name, "policy stopped: {text}");
        self.stopped = Some((text, lost));
        self.tell(None);
        Ok(Next::Wait)
    }

    /// Goes on, once an operator has said from where.
    async fn wait_for_operator(&mut self, services: &Arc<Services>) -> Result<Next, StoreError> {
        self.appended.borrow_and_update();
        let Some(views) = services.log.views() else { return Ok(Next::Wait) };
        let stored = views.checkpoint(self.info.owner).await?.map_or(Bookmark::START, |known| known.bookmark());
        if self.stopped.as_ref().is_some_and(|(_, lost)| *lost == stored) || !services.log.holds(&[stored]).await?[0] {
            return Ok(Next::Wait);
        }
        self.go_on_from(stored, stored);
        Ok(Next::Step)
    }

    fn go_on_from(&mut self, position: Bookmark, stored: Bookmark) {
        (self.position, self.read, self.stored, self.stopped) = (position, position, stored, None);
        self.page.clear();
        self.tell(None);
    }

    fn tell(&self, error: Option<String>) {
        let position = if self.unstored { self.stored } else { self.position };
        let (error, stopped) = match &self.stopped {
            Some((lost, _)) => (Some(lost.clone()), true),
            None => (error, false),
        };
        self.state.send_if_modified(|state| {
            let is_news = state.position != position || state.error != error || state.stopped != stopped;
            *state = State { position, error, stopped };
            is_news
        });
    }

    /// Waits before the next attempt. Returns `false` if the app is gone.
    async fn pause(&mut self, error: String) -> bool {
        let pause = self.settings.retry.pause_after(self.failures);
        self.failures += 1;
        self.recorder.tries_again();
        let (policy, attempts) = (self.info.name, self.failures);
        tracing::warn!(policy, error, attempts, ?pause, "policy failed; retrying");
        self.tell(Some(error));
        let until = Instant::now() + pause;
        loop {
            tokio::select! {
                biased;
                _ = self.closing.changed() => return true,
                appended = self.appended.changed() => if appended.is_err() { return false },
                () = tokio::time::sleep_until(until) => return true,
            }
        }
    }
}
