//! One command on its way through a batch, its type forgotten.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::boundary::{AggregateSlot, Boundary, Loaded};
use crate::command::{Content, Receipt};
use crate::error::{CommandError, Conflict, Corrupt, IdReused, Panicked};
use crate::event::{Emitted, EncodeError, RecordedEvent};
use crate::handler::{Emission, Handling};
use crate::log::{CommandRecord, Condition, Position, StoreError};
use crate::message::Command;
use crate::meta::Meta;
use crate::observing::spans::Way;
use crate::time::Timestamp;

/// Why the sequencer, rather than the handler, refuses a command.
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
    fn way(&mut self) -> &mut Way;
    /// Runs the decision. `None` where it refuses; the refusal is kept for the answer.
    fn decide(&mut self, loaded: &Loaded<'_>) -> Option<Emitted>;
    /// Takes note that its events stand in the batch, and returns what the log has to remember of it.
    fn accept(&mut self, head: Position, events: &[RecordedEvent], at: Timestamp) -> Option<CommandRecord>;
    /// Takes note that its id is known already.
    fn repeat(&mut self, record: &CommandRecord);
    /// Takes note that it is refused.
    fn refuse(&mut self, fault: Fault);
    /// Answers the caller, now that the batch is stored or has failed.
    fn answer(self: Box<Self>, failed: Option<&StoreError>);
}

pub(super) struct TypedJob<C: Command, D> {
    meta: Arc<Meta>,
    content: Option<Content>,
    boundary: Boundary,
    condition: Option<Condition>,
    decision: Option<D>,
    returned: Option<C::Returns>,
    outcome: Option<Handling<C>>,
    answer: oneshot::Sender<Handling<C>>,
    way: Way,
}

impl<C: Command, D> TypedJob<C, D> {
    pub(super) fn new(
        meta: Arc<Meta>,
        content: Option<Content>,
        boundary: Boundary,
        condition: Option<Condition>,
        decision: D,
        answer: oneshot::Sender<Handling<C>>,
        way: Way,
    ) -> Self {
        Self {
            meta,
            content,
            boundary,
            condition,
            decision: Some(decision),
            returned: None,
            outcome: None,
            answer,
            way,
        }
    }
}

impl<C, D> Job for TypedJob<C, D>
where
    C: Command,
    D: FnOnce(&Loaded<'_>, &Meta) -> Result<Emission<C::Returns>, CommandError<C::Error>> + Send,
{
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

    fn way(&mut self) -> &mut Way {
        &mut self.way
    }

    fn decide(&mut self, loaded: &Loaded<'_>) -> Option<Emitted> {
        let decision = self.decision.take()?;
        let decide = || catch_unwind(AssertUnwindSafe(|| decision(loaded, &self.meta)));
        let decided = self.way.decide(C::NAME, &self.boundary.slots, decide);
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

    fn answer(self: Box<Self>, failed: Option<&StoreError>) {
        let outcome = match failed {
            // Also a refusal: it may rest on events of this batch, which are not there now.
            Some(error) => Err(CommandError::Unavailable(error.clone())),
            None => self.outcome.unwrap_or(Err(CommandError::ShutDown)),
        };
        // First, so that the command's span ends when its caller lets it.
        drop(self.way);
        // The caller may have stopped waiting: the command has taken effect all the same.
        let _ = self.answer.send(outcome);
    }
}

/// The receipt of events that follow `head`, the position of the last event before them.
pub(crate) fn receipt<R>(head: Position, events: &[RecordedEvent], returned: R) -> Receipt<R> {
    Receipt {
        position: events.last().map_or(head, RecordedEvent::position),
        events: u32::try_from(events.len()).unwrap_or(u32::MAX),
        returned,
        repeated: false,
    }
}

/// What the log remembers of a command that came with an id.
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

/// The answer to a command whose id is known.
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
    let is_other = |(content, first): (&Content, _)| !content.is_that_of::<C>(first);
    if record.command != C::NAME || content.zip(record.content).is_some_and(is_other) {
        return Err(reused());
    }
    // An answer that no longer fits what the command declares is an older program's command of the same name.
    let returned = serde_json::from_str(&record.returned).map_err(|_| reused())?;
    Ok(Receipt { position: record.position, events: record.events, returned, repeated: true })
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it said nothing".to_owned())
}
