//! The context in which a command handler's expansion runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;
use uuid::Uuid;

use crate::bus::services::Services;
use crate::model::aggregate::FoldError;
use crate::model::aggregate::slot::AggregateSlot;
use crate::model::boundary::{Boundary, Loaded};
use crate::model::content::Content;
use crate::model::error::{CommandError, Conflict, Corrupt, Entity};
use crate::model::message::{Command, Handling};
use crate::model::outcome::Emission;
use crate::model::parameters::{Stale, State, Transaction};
use crate::projection::views::Views;
use crate::sequencer::{self, Call, Entry, Source, known_receipt};
use crate::telemetry::spans;
use cqrs_core::debug::opaque_debug;
use cqrs_core::event::RecordedEvent;
use cqrs_core::log::{Condition, EventQuery, LogTransaction, lost_while_read};
use cqrs_core::meta::Meta;
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::time::Timestamp;
use cqrs_core::view::View;

/// After so many conflicts, a `#[command(retry)]` workflow is run under the log's lock, where there are none.
const CONFLICTS: u32 = 3;

/// The pause after a workflow's first conflict, half of it by chance. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

tokio::task_local! {
    /// The apps whose log this task has locked, by a workflow that is running.
    static LOCKED: Vec<usize>;
}

/// Whose the ids of a bus's commands are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// The same id with other content is refused.
    OfTheCaller,
    /// Made of the event that a policy answers: it may answer otherwise when it is asked once more (by another program version,
    /// say), and the first command counts.
    OfAnEvent,
}

/// What surrounds one execution of a command.
pub struct CommandContext {
    services: Arc<Services>,
    meta: Arc<Meta>,
    /// The command's content, if the caller has set the command's id.
    content: Option<Content>,
    deadline: Option<Instant>,
    /// How often the workflow has met a conflict.
    conflicts: AtomicU32,
    /// Whether the workflow holds the log's lock.
    locked: AtomicBool,
}

opaque_debug!(CommandContext { meta });

impl CommandContext {
    pub(crate) fn new<C: Command>(services: Arc<Services>, mut meta: Meta, ids: Ids, command: &C) -> Self {
        let is_compared = meta.command_id.is_some() && ids == Ids::OfTheCaller;
        let content = if is_compared { Content::of(command) } else { None };
        let deadline = meta.deadline.take().map(Instant::from_std);
        let (conflicts, locked) = (AtomicU32::new(0), AtomicBool::new(false));
        Self { services, meta: Arc::new(meta), content, deadline, conflicts, locked }
    }

    /// The command's metadata.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Runs a decision: the sequencer loads its boundary, and calls `decision` under the log's lock.
    pub fn decide<C, B, D>(self, command: C, boundary: B, decision: D) -> impl Future<Output = Handling<C>> + Send
    where
        C: Command,
        B: FnOnce(&C, &Meta, &mut Boundary),
        D: FnOnce(C, &Loaded<'_>, &Meta) -> Result<Emission<C::Returns>, CommandError<C::Error>> + Send + 'static,
    {
        let mut load = Boundary::default();
        boundary(&command, &self.meta, &mut load);
        let Self { services, meta, content, deadline, .. } = self;
        let call = Call { meta, content, deadline, condition: None, loaded: Vec::new() };
        // Made here, so that the future holds one pointer to it, and no copy of each part.
        let job = call.job::<C, _>(load, move |loaded: &Loaded<'_>, meta: &Meta| decision(command, loaded, meta));
        async move {
            refuse_inside_itself(&services)?;
            services.sequencer.run(job).await
        }
    }

    /// Starts a workflow: takes the log's lock first, if the handler wants the transaction, and loads its boundary.
    ///
    /// # Errors
    /// The answer to give at once: the store cannot be reached, the history cannot be folded, or the command's id is known,
    /// and this is its first receipt.
    pub async fn begin<C: Command>(
        &self,
        command: &C,
        transaction: bool,
        boundary: impl FnOnce(&C, &Meta, &mut Boundary),
    ) -> Result<Work, Handling<C>> {
        let mut load = Boundary::default();
        boundary(command, &self.meta, &mut load);
        refuse_inside_itself(&self.services).map_err(|error| Err(CommandError::Unavailable(error)))?;
        let beginning = self.begin_now::<C>(transaction, load);
        match self.deadline {
            Some(deadline) => timeout_at(deadline, beginning).await.unwrap_or(Err(Err(CommandError::TimedOut))),
            None => beginning.await,
        }
    }

    async fn begin_now<C: Command>(&self, transaction: bool, boundary: Boundary) -> Result<Work, Handling<C>> {
        let services = &*self.services;
        if services.sequencer.is_closed() {
            return Err(Err(CommandError::ShutDown));
        }
        let failed = |error: StoreError| Err(CommandError::Unavailable(error));
        let turn = match self.conflicts.load(Ordering::Relaxed) {
            0 => None,
            conflicts if conflicts < CONFLICTS => {
                tokio::time::sleep(pause(conflicts)).await;
                None
            }
            _ => Some(services.sequencer.turn().await.map_err(failed)?),
        };
        if !transaction && turn.is_none() {
            if self.meta.command_id.is_some() {
                self.lock::<C>().await?;
            }
            let work = Work::load(boundary, services).await.and_then(|work| {
                work.refuse_unexpected(self.meta.expected, work.loaded_at.position)?;
                work.checked()
            });
            return work.map_err(|fault| Err(fault.into()));
        }
        // Outside the lock, under which only what came in between is read then.
        let work = Work::load(boundary, services).await.map_err(|fault| Err(fault.into()))?;
        let tx = self.lock::<C>().await?;
        let work = work.locked(tx, turn, self.meta.expected, services).await.map_err(|fault| Err(fault.into()))?;
        self.locked.store(true, Ordering::Relaxed);
        Ok(work)
    }

    /// Takes the log's lock, unless the command's id is known.
    async fn lock<C: Command>(&self) -> Result<Box<dyn LogTransaction>, Handling<C>> {
        let timeout = &self.services.sequencer.timeout;
        let mut tx = timeout.of(self.services.log.begin()).await.map_err(|error| Err(error.into()))?;
        if let Some(id) = &self.meta.command_id {
            let known = timeout.of(tx.commands(std::slice::from_ref(id))).await.map_err(|error| Err(error.into()))?;
            if let Some(record) = known.into_iter().next().flatten() {
                return Err(known_receipt::<C>(&record, self.content.as_ref()));
            }
        }
        Ok(tx)
    }

    /// Runs the handler of a workflow. A command that it sends to its own app while it holds the log's lock is refused: it would
    /// wait for itself.
    pub fn running<F: Future>(&self, handler: F) -> impl Future<Output = F::Output> {
        let mut locked = LOCKED.try_with(Clone::clone).unwrap_or_default();
        if self.locked.load(Ordering::Relaxed) {
            locked.push(Arc::as_ptr(&self.services).addr());
        }
        LOCKED.scope(locked, handler)
    }

    /// A service or a stale reading of the read side, as a workflow takes it.
    ///
    /// # Errors
    /// The read side cannot be reached.
    pub fn service<P: ServiceParameter>(&self) -> Result<P, StoreError> {
        P::from_context(self)
    }

    /// Whether a `#[command(retry)]` workflow that came to `error` runs again: after a pause, and after a few conflicts under the
    /// log's lock.
    #[must_use]
    pub fn may_retry<E: std::fmt::Debug + std::fmt::Display>(&self, error: &CommandError<E>) -> bool {
        // What the caller expects cannot come true again.
        let conflict = matches!(error, CommandError::Conflict(_)) && self.meta.expected.is_none();
        conflict && self.conflicts.fetch_add(1, Ordering::Relaxed) < CONFLICTS
    }
}

/// Refuses a command that would wait for a lock that this task holds.
fn refuse_inside_itself(services: &Arc<Services>) -> Result<(), StoreError> {
    let own = Arc::as_ptr(services).addr();
    if !LOCKED.try_with(|locked| locked.contains(&own)).unwrap_or_default() {
        return Ok(());
    }
    let reason = "the workflow that sends this command has held the lock of the log since it began, and the command would \
                  wait for it: emit an event that a policy answers with the command, or send it before or after";
    Err(StoreError::Failed { store: services.log.describe(), reason: reason.into() })
}

/// The pause after so many conflicts.
fn pause(conflicts: u32) -> Duration {
    let half = FIRST_PAUSE.saturating_mul(1 << conflicts.min(8)) / 4;
    let chance = u16::try_from(Uuid::now_v7().as_u64_pair().1 % 1_024).unwrap_or_default();
    half + half.mul_f64(f64::from(chance) / 1_024.0)
}

/// A workflow at work: what it has loaded, and the transaction if it takes one.
pub struct Work {
    /// The aggregates of each parameter.
    loaded: Vec<Vec<Entry>>,
    transaction: Option<Box<dyn LogTransaction>>,
    /// Its turn under the lock, among workflows that have met too many conflicts.
    turn: Option<OwnedSemaphorePermit>,
    loaded_at: Bookmark,
}

opaque_debug!(Work { loaded_at });

/// Why a boundary could not be loaded.
enum LoadFault {
    Store(StoreError),
    Corrupt(Box<Corrupt>),
    Conflict(Position),
}

impl<E> From<LoadFault> for CommandError<E> {
    fn from(fault: LoadFault) -> Self {
        match fault {
            LoadFault::Store(error) => Self::Unavailable(error),
            LoadFault::Corrupt(corrupt) => Self::Corrupt(corrupt),
            LoadFault::Conflict(loaded_at) => Self::Conflict(Conflict { loaded_at }),
        }
    }
}

impl Work {
    async fn load(boundary: Boundary, services: &Services) -> Result<Self, LoadFault> {
        let sizes: Vec<usize> = boundary.slots.iter().map(Vec::len).collect();
        let mut entries: Vec<Entry> = boundary.slots.into_iter().flatten().map(Entry::new).collect();
        let mut source = Source::log(&*services.log, &services.sequencer.timeout);
        let loading = sequencer::load(&mut entries, &mut source, &services.snapshots, &services.recorder);
        let loading = loading.instrument(spans::load(sizes.iter().sum()));
        let loaded_at = loading.await.map_err(LoadFault::Store)?;
        let mut entries = entries.into_iter();
        let loaded = sizes.into_iter().map(|size| entries.by_ref().take(size).collect()).collect();
        Ok(Self { loaded, transaction: None, turn: None, loaded_at })
    }

    /// The same, with what has happened since, under the lock.
    async fn locked(
        mut self,
        mut tx: Box<dyn LogTransaction>,
        turn: Option<OwnedSemaphorePermit>,
        expected: Option<Position>,
        services: &Services,
    ) -> Result<Self, LoadFault> {
        let timeout = &services.sequencer.timeout;
        let last = timeout.of(tx.last()).await.map_err(LoadFault::Store)?;
        let mut entries: Vec<&mut Entry> = self.loaded.iter_mut().flatten().collect();
        if entries.is_empty() {
            // It decides on nothing that could have changed.
        } else if last.position > self.loaded_at.position {
            let mut source = Source::locked(&*services.log, &mut *tx, timeout);
            sequencer::bring_up(&mut entries, self.loaded_at, &mut source).await.map_err(LoadFault::Store)?;
        } else if last.position < self.loaded_at.position || !self.loaded_at.agrees_with(last.event) {
            return Err(LoadFault::Store(lost_while_read(self.loaded_at)));
        }
        self.refuse_unexpected(expected, last.position)?;
        (self.transaction, self.turn) = (Some(tx), turn);
        self.checked()
    }

    /// Refuses aggregates that have events after the position that the caller expects, and a log that ends before it.
    fn refuse_unexpected(&self, expected: Option<Position>, head: Position) -> Result<(), LoadFault> {
        Entry::require_unchanged(self.loaded.iter().flatten(), expected, head).map_err(LoadFault::Conflict)
    }

    fn checked(self) -> Result<Self, LoadFault> {
        self.refuse_corrupt().map_err(LoadFault::Corrupt)?;
        Ok(self)
    }

    fn refuse_corrupt(&self) -> Result<(), Box<Corrupt>> {
        let found = self.loaded.iter().flatten().find_map(|entry| Some((&entry.slot, entry.corrupt.clone()?)));
        found.map_or(Ok(()), |(slot, error)| Err(corrupt(&**slot, error)))
    }

    fn fold(&mut self, event: &RecordedEvent) -> Result<(), Box<Corrupt>> {
        self.loaded
            .iter_mut()
            .flatten()
            .filter(|entry| entry.slot.query().matches(event))
            .for_each(|entry| entry.fold(event));
        self.refuse_corrupt()
    }

    /// The loaded aggregates, and the transaction.
    pub fn parts(&mut self) -> (Loaded<'_>, Transaction<'_>) {
        let loaded = Loaded::of(self.loaded.iter().map(|entries| entries.iter().map(|entry| &*entry.slot)));
        let database = self.transaction.as_mut().and_then(|tx| tx.database());
        (loaded, Transaction(database))
    }

    /// Stores what the handler has decided, under the condition that what it was decided on still holds.
    pub async fn finish<C: Command>(
        mut self,
        context: &CommandContext,
        result: Result<Emission<C::Returns>, CommandError<C::Error>>,
    ) -> Handling<C> {
        let emission = result?;
        let Some(mut tx) = self.transaction.take() else {
            return self.submit::<C>(context, emission).await;
        };
        context.services.head.learn(tx.last().await?);
        let head = tx.head();
        let at = Timestamp::now();
        let events = emission.events.record(head, &context.meta, at).map_err(CommandError::Encode)?;
        for event in &events {
            self.fold(event).map_err(CommandError::Corrupt)?;
        }
        let receipt = sequencer::receipt(tx.head(), &events, emission.returned);
        let records: Vec<_> =
            sequencer::record::<C>(&context.meta, context.content.as_ref(), &receipt, at).into_iter().collect();
        let (inline, recorder) = (&context.services.inline, &context.services.recorder);
        let storing = sequencer::store(tx, inline, &events, &records, recorder, &context.services.sequencer.timeout);
        storing.instrument(spans::append(events.len())).await?;
        self.turn = None;
        if let Some(last) = events.last() {
            context.services.head.raise(last.into());
        }
        self.loaded.iter_mut().flatten().for_each(|entry| context.services.snapshots.offer(entry));
        Ok(receipt)
    }

    async fn submit<C: Command>(self, context: &CommandContext, emission: Emission<C::Returns>) -> Handling<C> {
        let loaded_at = self.loaded_at;
        let query = EventQuery { items: self.loaded.iter().flatten().map(|entry| entry.slot.query()).collect() };
        let condition = (!query.items.is_empty()).then(|| Condition::new(query, loaded_at));
        let slots =
            self.loaded.iter().map(|entries| entries.iter().map(|entry| entry.slot.empty()).collect()).collect();
        let decision = move |_: &Loaded<'_>, _: &Meta| Ok(emission);
        let loaded = self.loaded.into_iter().flatten().map(|entry| (entry, loaded_at)).collect();
        let (meta, content) = (Arc::clone(&context.meta), context.content);
        let call = Call { meta, content, deadline: context.deadline, condition, loaded };
        let answer = context.services.sequencer.run(call.job::<C, _>(Boundary { slots }, decision)).await;
        answer.map_err(|error| match error {
            CommandError::Conflict(_) => CommandError::Conflict(Conflict { loaded_at: loaded_at.position }),
            other => other,
        })
    }
}

pub(crate) fn corrupt(slot: &dyn AggregateSlot, error: FoldError) -> Box<Corrupt> {
    let entity = Entity { aggregate: slot.kind().name, id: slot.tag().id().to_owned() };
    Box::new(Corrupt { entity, error })
}

/// A parameter type that a workflow may take in addition to aggregates, `&Meta` and its transaction.
#[diagnostic::on_unimplemented(
    message = "[CQRS204] a workflow cannot take `{Self}`",
    label = "not an aggregate, `State<T>`, `&mut Tx<Db>`, `Stale<Views<V>>` or `&Meta`",
    note = "what a command decides on must not lag: read models do, and buses and logs would let it act behind its own back",
    note = "decide on an aggregate (`&A`); where a stale reading will do, say so: `Stale<Views<V>>`; a service is `State<T>`",
    note = "see: cqrs_runtime::rules#cqrs204"
)]
pub trait ServiceParameter: Sized + Send {
    /// Takes it from the app.
    #[doc(hidden)]
    fn from_context(context: &CommandContext) -> Result<Self, StoreError>;
}

impl<T: ?Sized + Send + Sync + 'static> ServiceParameter for State<T> {
    fn from_context(context: &CommandContext) -> Result<Self, StoreError> {
        Ok(context.services.state())
    }
}

impl<V: View> ServiceParameter for Stale<Views<V>> {
    fn from_context(context: &CommandContext) -> Result<Self, StoreError> {
        Ok(Self(context.services.view()?))
    }
}
