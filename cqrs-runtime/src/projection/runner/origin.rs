//! Whether the views are of this log at all, and of what it still holds.
//!
//! A checkpoint says how far a projection has come, and not on which log. A read database that another log has filled would be
//! read as this one's, and this log's first events passed over. So a read database remembers the first event of the log
//! that it was folded from, as a checkpoint of its own; and a projection that stands beyond the log's end, which was
//! restored from a backup then, is folded anew.

use super::unit::failed;
use super::worker::Worker;
use crate::log::{Bookmark, EventLog, EventQuery, Position, StoreError};
use crate::view::{Checkpoint, Lease, Parked};

/// The name that the log's first event is remembered under: the position is the event's, the fingerprint of its id.
const ORIGIN: &str = "@log";

impl Worker {
    /// Makes sure that the views are not another log's, as far as the read database knows.
    pub(super) async fn check_origin(&mut self) -> Result<(), StoreError> {
        if self.knows_origin {
            return Ok(());
        }
        let Some(known) = self.store.checkpoint(ORIGIN).await? else { return Ok(()) };
        self.compare(known, origin(&*self.log).await?)
    }

    /// Has the read database remember the log, before the first event is folded.
    pub(super) async fn remember_origin(&mut self, leases: &[Lease]) -> Result<(), StoreError> {
        let ours = origin(&*self.log).await?;
        let mut tx = self.store.begin(leases).await?;
        let known = tx.checkpoints(&[ORIGIN]).await?.into_iter().flatten().next();
        if let (None, Some(ours)) = (known, ours) {
            tx.set_checkpoints(&[(ORIGIN, ours)]).await?;
            tx.commit().await?;
        }
        known.or(ours).map_or(Ok(()), |known| self.compare(known, ours))
    }

    fn compare(&mut self, known: Checkpoint, ours: Option<Checkpoint>) -> Result<(), StoreError> {
        // One that an older version has stored has no id, and its fingerprint is made of it.
        let identity = |origin: Checkpoint| (origin.position, origin.fingerprint);
        if Some(identity(known)) == ours.map(identity) {
            self.knows_origin = true;
            return Ok(());
        }
        let reason = format!(
            "its views were folded from another log than {}: give the views of this one a database (or a schema) of their \
             own, or empty this one",
            self.log.describe()
        );
        let foreign = StoreError::Failed { store: self.store.describe(), reason };
        self.foreign = Some(foreign.clone());
        Err(foreign)
    }

    /// Has a unit that stands beyond the log's end folded anew, or parks it.
    pub(super) async fn require_history(&mut self, place: usize) -> Result<(), StoreError> {
        // Asked after the checkpoints were read: whatever they say was in the log by then.
        let head = self.log.head().await?;
        let beyond = |at: Option<Bookmark>| at.is_some_and(|at| at.position > head);
        let unit = &mut self.units[place];
        if !beyond(unit.live_at) && !beyond(unit.beside_at) {
            return Ok(());
        }
        let text = beyond_the_end(head);
        if unit.part.is_some() {
            return Err(failed(&unit.projections, &cannot_heal(head)));
        }
        tracing::warn!(projections = ?unit.names(), "{text}");
        if unit.folds() {
            if beyond(unit.live_at) {
                unit.live_at = None;
            }
            return unit.start_beside(&*self.store).await;
        }
        // Only its owner knows what its tables hold: a rebuild goes on from there.
        let parked = |name: &&'static str| Parked {
            projection: (*name).to_owned(),
            key: String::new(),
            position: head,
            event: String::new(),
            error: text.clone(),
            attempts: 1,
        };
        let parked: Vec<Parked> = unit.names().iter().map(parked).collect();
        let mut tx = self.store.begin(&unit.leases).await?;
        tx.park(&parked).await?;
        tx.commit().await?;
        unit.parked = true;
        Ok(())
    }
}

/// Why a projection tells of more than there is.
fn beyond_the_end(head: Position) -> String {
    format!(
        "it stands beyond the end of the log, which is at {head}: the log was restored from a backup, perhaps, and has lost \
         what the rows tell of"
    )
}

/// The same of one that is split, and told what to do.
pub(super) fn cannot_heal(head: Position) -> String {
    format!(
        "{}; it is split into parts, and is not folded anew by itself: empty the read database",
        beyond_the_end(head)
    )
}

/// What a read database remembers of a log: `None` while it is empty.
async fn origin(log: &dyn EventLog) -> Result<Option<Checkpoint>, StoreError> {
    let first = log.read(&EventQuery::all(), Position::START, 1).await?;
    Ok(first.events.first().map(|event| {
        let (high, low) = event.header().id.as_u64_pair();
        Checkpoint::at(event.into(), high ^ low)
    }))
}
