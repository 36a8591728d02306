//! Copies a log into another one of any kind.

use std::pin::Pin;

use crate::debug::opaque_debug;
use crate::event::RecordedEvent;
use crate::log::{CommandRecord, Declaration, EventLog, EventQuery, NameKind, Page};
use crate::meta::CommandId;
use crate::position::Position;
use crate::store_error::{BoxFuture, StoreError};
use crate::view::{Checkpoint, Parked};

/// How many events or records are held in memory, and written in one transaction.
const PAGE: usize = 500;

/// Copies a log into another one: its events with their positions, ids, times, metadata and tags; its records of commands with an id;
/// the register of names; and the policies' progress with their parked events.
///
/// `to` must be empty, or hold what an earlier copy has left, complete or not: after a kill the same call continues. The events that are
/// there are compared first. What was written is read back and compared at the end. Views and snapshots are not copied: they are rebuilt
/// from the events.
///
/// Nothing else may write to `to` until it is done. `from` may be in use: then the call ends with [`CopyError::Changing`] once
/// everything is copied that `from` held at the start. So copy once while the program runs, stop the program, copy once more, and start
/// the program on `to`. The second copy takes as long as reading both logs.
///
/// ```
/// use cqrs_runtime::log::{self, EventLog, MemoryLog};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (from, to) = (MemoryLog::new(), MemoryLog::new());
/// let copied = log::copy(&from, &to).progress(|at| println!("{:?}: {} of {}", at.phase, at.done, at.of)).await?;
/// assert_eq!(copied.events, from.head().await?.get());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// See [`CopyError`]. What was copied by then stays, and the next call continues from there.
pub fn copy<'a>(from: &'a dyn EventLog, to: &'a dyn EventLog) -> Copy<'a> {
    Copy { from, to, progress: Box::new(|_| ()) }
}

/// A copy that starts when it is awaited: see [`copy`].
#[must_use = "nothing is copied until it is awaited"]
pub struct Copy<'a> {
    from: &'a dyn EventLog,
    to: &'a dyn EventLog,
    progress: Box<dyn FnMut(CopyProgress) + Send + 'a>,
}

opaque_debug!(Copy<'_>);

/// The progress of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress {
    /// The current phase.
    pub phase: CopyPhase,
    /// How many events or records of this phase are done.
    pub done: u64,
    /// How many there are in this phase.
    pub of: u64,
}

/// The phases of a copy, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CopyPhase {
    /// Compares the events that the copy already holds.
    Comparing,
    /// Copies events.
    Events,
    /// Reads back and compares what was written.
    Verifying,
    /// Copies and compares the command records.
    Commands,
}

/// The result of a copy, earlier calls included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// How many events the copy holds.
    pub events: u64,
    /// How many command records the copy holds.
    pub commands: u64,
    /// How many of its events it held before this call.
    pub found: u64,
}

/// Why a log was not copied completely.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The copy holds another event at a position.
    #[error(
        "{to} is not a copy of {from}: it holds another event at position {position}; copy into an empty log that nothing else writes to"
    )]
    OtherEvent {
        /// The log that is copied.
        from: String,
        /// The copy.
        to: String,
        /// The first position at which they differ.
        position: Position,
    },
    /// The copy holds more events.
    #[error("{to} is not a copy of {from}: it holds {found} events instead of {expected}; copy into an empty log")]
    Ahead {
        /// The log that is copied.
        from: String,
        /// The copy.
        to: String,
        /// How many events the copy holds.
        found: u64,
        /// How many the copied log holds.
        expected: u64,
    },
    /// The copy holds another record of a command.
    #[error("{to} is not a copy of {from}: it holds another command with the id `{id}`; copy into an empty log")]
    OtherCommand {
        /// The log that is copied.
        from: String,
        /// The copy.
        to: String,
        /// The command's id.
        id: CommandId,
    },
    /// The copy holds more or fewer command records.
    #[error(
        "{to} is not a copy of {from}: it holds {found} command records instead of {expected}; if some were removed from one log, \
             remove them from the other with `forget_commands`; otherwise copy into an empty log"
    )]
    CommandCount {
        /// The log that is copied.
        from: String,
        /// The copy.
        to: String,
        /// How many records the copy holds.
        found: u64,
        /// How many the copied log holds.
        expected: u64,
    },
    /// Something writes to one of the logs. If it is the log that is copied, everything that it held at the start is
    /// copied.
    #[error(
        "cannot finish the copy: a program writes to {store}; stop it, and copy once more (the copy continues from here)"
    )]
    Changing {
        /// The log that is written to.
        store: String,
    },
    /// A log cannot be reached, or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<'a> Copy<'a> {
    /// Calls `progress` after each page.
    pub fn progress(mut self, progress: impl FnMut(CopyProgress) + Send + 'a) -> Self {
        self.progress = Box::new(progress);
        self
    }

    async fn run(mut self) -> Result<Copied, CopyError> {
        let (head, found) = (self.from.head().await?, self.to.head().await?);
        if found > head {
            let (from, to) = (self.from.describe(), self.to.describe());
            return Err(CopyError::Ahead { from, to, found: found.get(), expected: head.get() });
        }
        self.compare(CopyPhase::Comparing, Position::START, found).await?;
        self.copy_events(found, head).await?;
        self.compare(CopyPhase::Verifying, found, head).await?;
        let commands = self.copy_commands().await?;
        let policies = copy_names(self.from, self.to).await?;
        copy_policies(self.from, self.to, policies).await?;
        let changing = |store: &dyn EventLog| CopyError::Changing { store: store.describe() };
        if self.to.head().await? != head {
            return Err(changing(self.to));
        }
        // Counted before the records are read: a command that is recorded in between may have no events.
        let expected = self.from.count_command_records(None).await?;
        if self.from.head().await? != head || expected > commands {
            return Err(changing(self.from));
        }
        let remembered = self.to.count_command_records(None).await?;
        if remembered != expected {
            let (from, to) = (self.from.describe(), self.to.describe());
            return Err(CopyError::CommandCount { from, to, found: remembered, expected });
        }
        Ok(Copied { events: head.get(), commands, found: found.get() })
    }

    fn tell(&mut self, phase: CopyPhase, done: u64, of: u64) {
        (self.progress)(CopyProgress { phase, done, of });
    }

    /// The events after `after`, up to `until`.
    async fn page(log: &dyn EventLog, after: Position, until: Position) -> Result<Vec<RecordedEvent>, StoreError> {
        let left = usize::try_from(until.get() - after.get()).unwrap_or(PAGE);
        let Page { events, .. } = log.read(&EventQuery::all(), after, left.min(PAGE)).await?;
        if events.first().is_none_or(|first| first.position() != after.next()) {
            let reason = format!("it has no event at position {}, but has later ones", after.next());
            return Err(StoreError::Failed { store: log.describe(), reason });
        }
        Ok(events)
    }

    async fn compare(&mut self, phase: CopyPhase, after: Position, until: Position) -> Result<(), CopyError> {
        let mut at = after;
        while at < until {
            let (ours, theirs) = (Self::page(self.from, at, until).await?, Self::page(self.to, at, until).await?);
            for (ours, theirs) in ours.iter().zip(&theirs) {
                if ours != theirs {
                    let (from, to) = (self.from.describe(), self.to.describe());
                    return Err(CopyError::OtherEvent { from, to, position: ours.position() });
                }
                at = ours.position();
            }
            self.tell(phase, at.get() - after.get(), until.get() - after.get());
        }
        Ok(())
    }

    async fn copy_events(&mut self, after: Position, until: Position) -> Result<(), CopyError> {
        let mut at = after;
        while at < until {
            let events = Self::page(self.from, at, until).await?;
            let mut tx = self.to.begin().await?;
            if tx.head() != at {
                return Err(CopyError::Changing { store: self.to.describe() });
            }
            tx.append(&events, &[]).await?;
            tx.commit().await?;
            at = events.last().map_or(until, RecordedEvent::position);
            self.tell(CopyPhase::Events, at.get() - after.get(), until.get() - after.get());
        }
        Ok(())
    }

    /// Copies missing command records and compares the others. Returns how many there are.
    async fn copy_commands(&mut self) -> Result<u64, CopyError> {
        let all = self.from.count_command_records(None).await?;
        let mut last: Option<CommandId> = None;
        let mut done = 0;
        loop {
            let records = self.from.command_records(last.as_ref(), PAGE).await?;
            let Some(end) = records.last() else { return Ok(done) };
            last = Some(end.id.clone());
            let ids: Vec<CommandId> = records.iter().map(|record| record.id.clone()).collect();
            let mut tx = self.to.begin().await?;
            let known = tx.commands(&ids).await?;
            let mut missing: Vec<CommandRecord> = Vec::new();
            for (record, known) in records.iter().zip(known) {
                match known {
                    None => missing.push(record.clone()),
                    Some(known) if known == *record => {}
                    Some(_) => {
                        let (from, to) = (self.from.describe(), self.to.describe());
                        return Err(CopyError::OtherCommand { from, to, id: record.id.clone() });
                    }
                }
            }
            if !missing.is_empty() {
                tx.append(&[], &missing).await?;
                let written: Vec<Option<CommandRecord>> = tx.commands(&ids).await?;
                if let Some(lost) =
                    records.iter().zip(&written).find(|(record, written)| written.as_ref() != Some(record))
                {
                    let (from, to) = (self.from.describe(), self.to.describe());
                    return Err(CopyError::OtherCommand { from, to, id: lost.0.id.clone() });
                }
                tx.commit().await?;
            }
            done += records.len() as u64;
            self.tell(CopyPhase::Commands, done, all.max(done));
        }
    }
}

impl<'a> IntoFuture for Copy<'a> {
    type Output = Result<Copied, CopyError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        let running: BoxFuture<'a, _> = Box::pin(self.run());
        running
    }
}

/// Copies the register of names, one generation after the other, and returns the names of its policies.
async fn copy_names(from: &dyn EventLog, to: &dyn EventLog) -> Result<Vec<String>, StoreError> {
    let (Some(register), Some(copy)) = (from.names(), to.names()) else { return Ok(Vec::new()) };
    let mut names = register.declared().await?;
    names.sort_by_key(|name| name.generation);
    for set in names.chunk_by(|one, other| one.generation == other.generation) {
        let set: Vec<Declaration> = set.iter().map(|name| name.declaration.clone()).collect();
        copy.declare(&set).await?;
    }
    let policies = names.into_iter().map(|name| name.declaration).filter(|name| name.kind == NameKind::Policy);
    Ok(policies.map(|policy| policy.name).collect())
}

/// Copies the progress of these policies, and their parked events.
async fn copy_policies(from: &dyn EventLog, to: &dyn EventLog, policies: Vec<String>) -> Result<(), StoreError> {
    let Some(views) = from.views() else { return Ok(()) };
    let mut checkpoints = Vec::new();
    for policy in policies {
        // A checkpoint's name must be `'static`: it stays in memory until the program ends.
        let owner: &'static str = format!("policy:{policy}").leak();
        // A claim on an event in the copied log means nothing in the copy.
        let checkpoint = views.checkpoint(owner).await?;
        checkpoints.extend(checkpoint.map(|known| (owner, Checkpoint { fingerprint: 0, ..known })));
    }
    let parked: Vec<Parked> = views.parked().await?;
    let parked: Vec<Parked> = parked.into_iter().filter(|parked| parked.projection.starts_with("policy:")).collect();
    if checkpoints.is_empty() && parked.is_empty() {
        return Ok(());
    }
    let mut tx = to.begin().await?;
    let Some(views) = tx.views() else {
        let reason = "it cannot store the progress of policies".into();
        return Err(StoreError::Failed { store: to.describe(), reason });
    };
    views.set_checkpoints(&checkpoints).await?;
    if !parked.is_empty() {
        views.park(&parked).await?;
    }
    tx.commit().await
}
