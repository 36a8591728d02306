//! What a command handler's expansion runs on.

use std::sync::Arc;

use tracing::Instrument;

use crate::aggregate::FoldError;
use crate::app::Inner;
use crate::boundary::{AggregateSlot, Boundary, Loaded};
use crate::capability::{Stale, State, Transaction};
use crate::command::Content;
use crate::error::{CommandError, Conflict, Corrupt, Entity};
use crate::event::RecordedEvent;
use crate::handler::{Emission, Handling};
use crate::log::{Bookmark, Condition, EventQuery, LogTransaction, StoreError};
use crate::message::Command;
use crate::meta::Meta;
use crate::observing::spans;
use crate::sequencer::{self, Entry, Source, known_receipt};
use crate::time::Timestamp;
use crate::view::{View, Views};

/// How often a `#[command(retry)]` workflow is run before its caller gets the conflict after all.
const MOST_ATTEMPTS: u32 = 20;

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
    inner: Arc<Inner>,
    meta: Arc<Meta>,
    /// Where the command has an id that is the caller's own.
    content: Option<Content>,
}

impl CommandContext {
    pub(crate) fn new<C: Command>(inner: Arc<Inner>, meta: Meta, ids: Ids, command: &C) -> Self {
        let is_compared = meta.command_id.is_some() && ids == Ids::OfTheCaller;
        let content = if is_compared { Content::of(command) } else { None };
        Self { inner, meta: Arc::new(meta), content }
    }

    /// Who asks, when, and because of what.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Runs a decision: the sequencer loads its boundary, and calls `decision` under the log's lock.
    pub fn decide<C, B, D>(self, command: C, boundary: B, decision: D) -> impl Future<Output = Handling<C>> + Send
    where
        C: Command,
        B: FnOnce(&C, &mut Boundary),
        D: FnOnce(C, &Loaded<'_>, &Meta) -> Result<Emission<C::Returns>, CommandError<C::Error>> + Send + 'static,
    {
        let mut load = Boundary::default();
        boundary(&command, &mut load);
        async move {
            let decision = move |loaded: &Loaded<'_>, meta: &Meta| decision(command, loaded, meta);
            self.inner.sequencer.run::<C, _>(self.meta, self.content, load, None, decision).await
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
        boundary: impl FnOnce(&C, &mut Boundary),
    ) -> Result<Work, Handling<C>> {
        let mut load = Boundary::default();
        boundary(command, &mut load);
        let locked = match &self.meta.command_id {
            Some(id) => {
                let mut tx = self.inner.log.begin().await.map_err(|error| Err(error.into()))?;
                let known = tx.commands(std::slice::from_ref(id)).await.map_err(|error| Err(error.into()))?;
                if let Some(record) = known.into_iter().next().flatten() {
                    return Err(known_receipt::<C>(&record, self.content.as_ref()));
                }
                transaction.then_some(tx)
            }
            None if transaction => Some(self.inner.log.begin().await.map_err(|error| Err(error.into()))?),
            None => None,
        };
        Work::load(load, locked, &self.inner).await.map_err(|fault| Err(fault.into()))
    }

    /// A service or a stale reading of the read side, as a workflow takes it.
    ///
    /// # Errors
    /// The read side cannot be reached.
    pub fn service<P: ServiceParameter>(&self) -> Result<P, StoreError> {
        P::from_context(self)
    }

    /// Whether a `#[command(retry)]` workflow that came to `error` in its attempt number `attempt`, from 1, runs again.
    #[must_use]
    pub fn may_retry<E: std::fmt::Debug + std::fmt::Display>(&self, error: &CommandError<E>, attempt: u32) -> bool {
        matches!(error, CommandError::Conflict(_)) && attempt < MOST_ATTEMPTS
    }
}

/// A workflow at work: what it has loaded, and the transaction if it takes one.
pub struct Work {
    /// The aggregates of each parameter.
    loaded: Vec<Vec<Entry>>,
    transaction: Option<Box<dyn LogTransaction>>,
    loaded_at: Bookmark,
}

/// Why a boundary could not be loaded.
enum LoadFault {
    Store(StoreError),
    Corrupt(Box<Corrupt>),
}

impl<E> From<LoadFault> for CommandError<E> {
    fn from(fault: LoadFault) -> Self {
        match fault {
            LoadFault::Store(error) => Self::Unavailable(error),
            LoadFault::Corrupt(corrupt) => Self::Corrupt(corrupt),
        }
    }
}

impl Work {
    async fn load(
        boundary: Boundary,
        mut transaction: Option<Box<dyn LogTransaction>>,
        inner: &Inner,
    ) -> Result<Self, LoadFault> {
        let sizes: Vec<usize> = boundary.slots.iter().map(Vec::len).collect();
        let mut entries: Vec<Entry> = boundary.slots.into_iter().flatten().map(Entry::new).collect();
        let mut source = match &mut transaction {
            Some(tx) => Source::Locked(&mut **tx),
            None => Source::Log(&*inner.log),
        };
        let loading = sequencer::load(&mut entries, &mut source, &inner.keeper, &inner.figures);
        let loading = loading.instrument(spans::load(sizes.iter().sum()));
        let loaded_at = loading.await.map_err(LoadFault::Store)?;
        let mut entries = entries.into_iter();
        let loaded = sizes.into_iter().map(|size| entries.by_ref().take(size).collect()).collect();
        let work = Self { loaded, transaction, loaded_at };
        work.refuse_corrupt().map_err(LoadFault::Corrupt)?;
        Ok(work)
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
        context.inner.head.learn(tx.last().await?);
        let head = tx.head();
        let at = Timestamp::now();
        let mut events = Vec::with_capacity(emission.events.events.len());
        for (number, event) in (1..).zip(emission.events.events) {
            let event = event.record(head.plus(number), &context.meta, at).map_err(CommandError::Encode)?;
            self.fold(&event).map_err(CommandError::Corrupt)?;
            events.push(event);
        }
        let receipt = sequencer::receipt(tx.head(), &events, emission.returned);
        let records: Vec<_> =
            sequencer::record::<C>(&context.meta, context.content.as_ref(), &receipt, at).into_iter().collect();
        let (inline, figures) = (&context.inner.inline, &context.inner.figures);
        let storing = sequencer::store(tx, inline, &events, &records, figures);
        storing.instrument(spans::append(events.len())).await?;
        if let Some(last) = events.last() {
            context.inner.head.raise(last.into());
        }
        self.loaded.iter_mut().flatten().for_each(|entry| context.inner.keeper.offer(entry));
        Ok(receipt)
    }

    async fn submit<C: Command>(self, context: &CommandContext, emission: Emission<C::Returns>) -> Handling<C> {
        let loaded_at = self.loaded_at;
        let query = EventQuery { items: self.loaded.iter().flatten().map(|entry| entry.slot.query()).collect() };
        let condition = (!query.items.is_empty()).then(|| Condition::new(query, loaded_at));
        let slots =
            self.loaded.iter().map(|entries| entries.iter().map(|entry| entry.slot.empty()).collect()).collect();
        let decision = move |_: &Loaded<'_>, _: &Meta| Ok(emission);
        let (meta, content) = (Arc::clone(&context.meta), context.content.clone());
        let answer = context.inner.sequencer.run::<C, _>(meta, content, Boundary { slots }, condition, decision).await;
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

/// What a workflow may take beside aggregates, `&Meta` and its transaction.
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
        Ok(context.inner.state())
    }
}

impl<V: View> ServiceParameter for Stale<Views<V>> {
    fn from_context(context: &CommandContext) -> Result<Self, StoreError> {
        Ok(Self(context.inner.view()?))
    }
}
