//! The connection that writes.

use std::time::{Duration, Instant};

use cqrs_runtime::log::Bookmark;
use rusqlite::Connection;

use crate::guard::Guard;
use crate::place::FileId;
use crate::sql::quoted;

/// How long to wait before the lock is tried again that another process holds.
pub(crate) const FIRST_WAIT: Duration = Duration::from_micros(500);
pub(crate) const LONGEST_WAIT: Duration = Duration::from_millis(8);

/// For how long after another process has written this one lets others go first.
const POLITE: Duration = Duration::from_secs(1);

/// The connection that writes, and who is at work on it.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    /// The file that the connection has open.
    pub(crate) file: Option<FileId>,
    pub(crate) guard: Guard,
    /// The last event after this process's last commit.
    pub(crate) last: Bookmark,
    /// When this process last gave the lock back.
    pub(crate) released: Option<Instant>,
    /// When another process was last seen to have written.
    others: Option<Instant>,
    /// Whether a handler has had it since its temporary tables were last looked at.
    pub(crate) lent: bool,
}

impl Writer {
    /// Of a connection that was just opened on a file.
    pub(crate) fn new(connection: Connection, guard: Guard, file: Option<FileId>) -> Self {
        Self { connection, file, guard, last: Bookmark::START, released: None, others: None, lent: false }
    }

    /// Begins a transaction, unless another process has the lock: it does not wait.
    pub(crate) fn try_begin(&mut self) -> rusqlite::Result<()> {
        // There is something if the last time failed, for want of memory perhaps.
        self.roll_back()?;
        let _own = self.guard.own();
        self.connection.busy_timeout(Duration::ZERO)?;
        if self.lent {
            self.drop_temporary()?;
            self.lent = false;
        }
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    /// Undoes what is not committed, if there is anything.
    pub(crate) fn roll_back(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        let _own = self.guard.own();
        self.connection.execute_batch("ROLLBACK")
    }

    /// Drops what handlers have left in the connection's own schema: the next one is to find it empty.
    fn drop_temporary(&self) -> rusqlite::Result<()> {
        let _meant = self.guard.committing();
        // Indexes and triggers go with their tables and views. A table of a virtual table goes with that one.
        let sql = "SELECT type, name FROM temp.sqlite_schema WHERE type IN ('table', 'view', 'trigger')
                   ORDER BY type, sql LIKE 'CREATE VIRTUAL%' DESC LIMIT 1";
        loop {
            let left =
                self.connection.query_row(sql, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
            match left {
                Ok((kind, name)) => {
                    let name = quoted(&name);
                    self.connection.execute_batch(&format!("DROP {kind} temp.{name}"))?;
                }
                Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Learns what the last event is, and whether others have appended.
    pub(crate) fn learn(&mut self, last: Bookmark) {
        if self.released.is_some() && last != self.last {
            self.others = Some(Instant::now());
        }
    }

    /// `SQLite`'s lock knows no queue: a process that takes it again at once shuts out those that wait for it. So where others
    /// write too, there is a moment between two transactions of this process in which one of them gets in.
    pub(crate) fn moment_for_others(&self) -> Option<Duration> {
        let recently = |moment: Option<Instant>, span| moment.is_some_and(|moment| moment.elapsed() < span);
        let crowded = recently(self.others, POLITE) && recently(self.released, LONGEST_WAIT);
        crowded.then(|| jittered(FIRST_WAIT * 4))
    }
}

/// Between half and all of `wait`, so that processes that wait for each other fall out of step.
pub(crate) fn jittered(wait: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let half = wait / 2;
    let random = RandomState::new().hash_one(0) % 1024;
    half + half.mul_f64(f64::from(u16::try_from(random).unwrap_or(0)) / 1024.0)
}
