//! A command on its way through a batch, with its type erased.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::cache::Key;
use super::cached::Entry;
use super::cold::Load;
use crate::model::aggregate::slot::AggregateSlot;
use crate::model::boundary::{Boundary, Loaded};
use crate::model::content::Content;
use crate::model::error::{CommandError, Conflict, Corrupt, IdReused, Panicked};
use crate::model::message::{Command, Handling};
use crate::model::outcome::Emission;
use crate::model::receipt::Receipt;
use crate::telemetry::spans::CommandSpans;
use cqrs_core::event::{Emitted, EncodeError, RecordedEvent};
use cqrs_core::log::{CommandRecord, Condition};
use cqrs_core::meta::Meta;
use cqrs_core::panics::panic_message;
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::time::Timestamp;

/// Why the sequencer refuses a command, rather than the handler.
pub(super) enum Fault {
    Corrupt(Box<Corrupt>),
    Conflict(Position),
    Encode(EncodeError),
}

/// A command in a batch.
pub(super) trait Job: Send {
    fn name(&self) -> &'static str;
    fn meta(&self) -> &Arc<Meta>;
    fn slots(&self) -> &[Vec<Box<dyn AggregateSlot>>];
    fn condition(&self) -> Option<&Condition>;
    fn spans(&mut self) -> &mut CommandSpans;
    /// The aggregates that its caller has loaded.
    fn brought(&self) -> &[Arc<Load>];
    /// How often it has been sent back to its caller.
    fn turns(&self) -> u32;
    /// Whether it may be decided now. If so, its caller waits for the answer, past its deadline too.
    fn starts(&self) -> bool;
    /// Whether its caller has dropped it, at its deadline or with the future.
    fn is_dropped(&self) -> bool;
    /// Records aggregates that are not cached: the command goes back to its caller, who loads them.
    fn lacks(&mut self, missing: Vec<Key>);
    /// Runs the decision. `None` on a refusal, which is kept for the answer.
    fn decide(&mut self, loaded: &Loaded<'_>) -> Option<Emitted>;
    /// Records that its events are in the batch, and returns the command record for the log.
    fn accept(&mut self, head: Position, events: &[RecordedEvent], at: Timestamp) -> Option<CommandRecord>;
    /// Records that its id is already known.
    fn repeat(&mut self, record: &CommandRecord);
    /// Records that it is refused.
    fn refuse(&mut self, fault: Fault);
    /// Answers the caller after the batch was stored or has failed, or sends the command back.
    fn answer(self: Box<Self>, failed: Option<&StoreError>);
}

/// The settings of a command in the sequencer.
pub(crate) struct Call {
    pub meta: Arc<Meta>,
    /// The command's content, if its id was set by the caller.
    pub content: Option<Content>,
    /// The latest time at which it may be started.
    pub deadline: Option<Instant>,
    /// The condition under which it is appended, if any.
    pub condition: Option<Condition>,
    /// The aggregates that its workflow has loaded, with their positions.
    pub loaded: Vec<(Entry, Bookmark)>,
}

impl Call {
    /// The command with its decision.
    pub(crate) fn job<C: Command, D>(self, boundary: Boundary, decision: D) -> Box<TypedJob<C, D>> {
        let Self { meta, content, deadline, condition, loaded } = self;
        Box::new(TypedJob {
            meta,
            content,
            boundary,
            condition,
            decision: Some(decision),
            returned: None,
            outcome: None,
            answer: None,
            spans: CommandSpans::default(),
            brought: loaded.into_iter().map(|(entry, at)| Load::done(entry, at)).collect(),
            missing: Vec::new(),
            turns: 0,
            due: deadline.map(|deadline| (deadline, Start::default())),
        })
    }
}

/// A command with its types.
pub(crate) struct TypedJob<C: Command, D> {
    meta: Arc<Meta>,
    content: Option<Content>,
    pub(super) boundary: Boundary,
    condition: Option<Condition>,
    decision: Option<D>,
    returned: Option<C::Returns>,
    outcome: Option<Handling<C>>,
    answer: Option<oneshot::Sender<Reply<C, D>>>,
    spans: CommandSpans,
    pub(super) brought: Vec<Arc<Load>>,
    /// The aggregates that it lacked in its last batch.
    pub(super) missing: Vec<Key>,
    pub(super) turns: u32,
    /// Its deadline, if there is one.
    pub(super) due: Option<(Instant, Start)>,
}

/// What the sequencer sends back.
pub(super) enum Reply<C: Command, D> {
    Answer(Handling<C>),
    /// The command, unchanged: it needs aggregates that are not cached.
    Cold(Box<TypedJob<C, D>>),
}

/// Decides who is first: the caller, who drops the command at its deadline, or the sequencer, which starts it.
#[derive(Clone, Default)]
pub(super) struct Start(Arc<AtomicU8>);

impl Start {
    const STARTED: u8 = 1;
    const DROPPED: u8 = 2;

    fn set(&self, state: u8) -> bool {
        self.0.compare_exchange(0, state, Ordering::AcqRel, Ordering::Acquire).map_or_else(|now| now == state, |_| true)
    }

    fn is_dropped(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::DROPPED
    }

    /// Drops the command. Returns `false` if it was already started.
    pub(super) fn drop_it(&self) -> bool {
        self.set(Self::DROPPED)
    }
}

impl<C: Command, D> TypedJob<C, D> {
    /// Prepares the command for the queue, and returns the channel of its reply.
    pub(super) fn queued(&mut self) -> oneshot::Receiver<Reply<C, D>> {
        let (answer, answered) = oneshot::channel();
        (self.answer, self.spans) = (Some(answer), CommandSpans::queued());
        answered
    }
}

impl<C, D> Job for TypedJob<C, D>
where
    C: Command,
    D: FnOnce(&Loaded<'_>, &Meta) -> Result<Emission<C::Returns>, CommandError<C::Error>> + Send,
{
    fn brought(&self) -> &[Arc<Load>] {
        &self.brought
    }

    fn turns(&self) -> u32 {
        self.turns
    }

    fn starts(&self) -> bool {
        !self.is_dropped() && self.due.as_ref().is_none_or(|(_, start)| start.set(Start::STARTED))
    }

    fn is_dropped(&self) -> bool {
        self.due.as_ref().is_some_and(|(_, start)| start.is_dropped())
            || self.answer.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    fn lacks(&mut self, missing: Vec<Key>) {
        self.missing = missing;
    }

    fn name(&self) -> &'static str {
        C::NAME
    }

    fn meta(&self) -> &Arc<Meta> {
        &self.meta
    }

    fn slots(&self) -> &[Vec<Box<dyn AggregateSlot>>] {
        &self.boundary.slots
    }

    fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    fn spans(&mut self) -> &mut CommandSpans {
        &mut self.spans
    }

    fn decide(&mut self, loaded: &Loaded<'_>) -> Option<Emitted> {
        let decision = self.decision.take()?;
        let decide = || catch_unwind(AssertUnwindSafe(|| decision(loaded, &self.meta)));
        let decided = self.spans.decide(C::NAME, &self.boundary.slots, decide);
        match decided {
            Ok(Ok(emission)) => {
                self.returned = Some(emission.returned);
                Some(emission.events)
            }
            Ok(Err(error)) => {
                self.outcome = Some(Err(error));
                None
            }
            Err(panic) => {
                let message = panic_message(&*panic);
                self.outcome = Some(Err(CommandError::Panicked(Panicked { command: C::NAME, message })));
                None
            }
        }
    }

    fn accept(&mut self, head: Position, events: &[RecordedEvent], at: Timestamp) -> Option<CommandRecord> {
        let receipt = receipt(head, events, self.returned.take()?);
        let record = record::<C>(&self.meta, self.content.as_ref(), &receipt, at);
        self.outcome = Some(Ok(receipt));
        record
    }

    fn repeat(&mut self, record: &CommandRecord) {
        self.outcome = Some(known_receipt::<C>(record, self.content.as_ref()));
    }

    fn refuse(&mut self, fault: Fault) {
        self.outcome = Some(Err(match fault {
            Fault::Corrupt(corrupt) => CommandError::Corrupt(corrupt),
            Fault::Conflict(loaded_at) => CommandError::Conflict(Conflict { loaded_at }),
            Fault::Encode(error) => CommandError::Encode(error),
        }));
    }

    fn answer(mut self: Box<Self>, failed: Option<&StoreError>) {
        let Some(answer) = self.answer.take() else { return };
        if failed.is_none() && !self.missing.is_empty() {
            drop(std::mem::take(&mut self.spans));
            // If the caller has stopped waiting, the command is not decided.
            let _ = answer.send(Reply::Cold(self));
            return;
        }
        let outcome = match failed {
            // Also replaces a refusal: it may rest on events of this batch, which were not stored.
            Some(error) => Err(CommandError::Unavailable(error.clone())),
            None => self.outcome.unwrap_or(Err(CommandError::ShutDown)),
        };
        // Dropped first, so that the command's span can end with its caller.
        drop(self.spans);
        // If the caller has stopped waiting, the command has still taken effect.
        let _ = answer.send(Reply::Answer(outcome));
    }
}

/// The receipt of a command. Its events follow `head`, the last position before them.
pub(crate) fn receipt<R>(head: Position, events: &[RecordedEvent], returned: R) -> Receipt<R> {
    Receipt {
        position: events.last().map_or(head, RecordedEvent::position),
        events: u32::try_from(events.len()).unwrap_or(u32::MAX),
        returned,
        repeated: false,
    }
}

/// The log's record of a command with an id.
pub(crate) fn record<C: Command>(
    meta: &Meta,
    content: Option<&Content>,
    receipt: &Receipt<C::Returns>,
    at: Timestamp,
) -> Option<CommandRecord> {
    Some(CommandRecord {
        id: meta.command_id.clone()?,
        command: C::NAME.into(),
        position: receipt.position,
        events: receipt.events,
        returned: serde_json::to_string(&receipt.returned).expect("ids are written as JSON texts or numbers").into(),
        content: content.map(|content| content.hash),
        recorded_at: at,
    })
}

/// The answer to a command whose id is already known.
pub(crate) fn known_receipt<C: Command>(record: &CommandRecord, content: Option<&Content>) -> Handling<C> {
    let reused = || {
        CommandError::IdReused(IdReused {
            id: record.id.clone(),
            first: record.command.to_string(),
            recorded_at: record.recorded_at,
            position: record.position,
            second: C::NAME.to_owned(),
        })
    };
    let is_other = |(content, first): (&Content, _)| !content.is_that_of(first);
    if record.command != C::NAME || content.zip(record.content).is_some_and(is_other) {
        return Err(reused());
    }
    // An answer that does not fit the declared type comes from an older program's command of the same name.
    let returned = serde_json::from_str(&record.returned).map_err(|_| reused())?;
    Ok(Receipt { position: record.position, events: record.events, returned, repeated: true })
}
