//! The connection that writes.

use std::time::{Duration, Instant};

use cqrs_core::log::Bookmark;
use rusqlite::Connection;

use crate::guard::Guard;
use crate::place::FileId;
use crate::sql::quoted;

/// How long to wait before the next attempt to acquire a lock that another process holds.
pub(crate) const FIRST_WAIT: Duration = Duration::from_micros(500);
pub(crate) const LONGEST_WAIT: Duration = Duration::from_millis(8);

/// How long this process gives way after another process has written.
const POLITE: Duration = Duration::from_secs(1);

/// The connection that writes, and who is using it.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    /// The file that is open.
    pub(crate) file: Option<FileId>,
    pub(crate) guard: Guard,
    /// The last event after this process's last commit.
    pub(crate) last: Bookmark,
    /// When this process last released the lock.
    pub(crate) released: Option<Instant>,
    /// When another process was last seen to write.
    others: Option<Instant>,
    /// Whether a handler has used it since temporary tables were last dropped.
    pub(crate) lent: bool,
}

impl Writer {
    /// For a connection that was just opened.
    pub(crate) fn new(connection: Connection, guard: Guard, file: Option<FileId>) -> Self {
        Self { connection, file, guard, last: Bookmark::START, released: None, others: None, lent: false }
    }

    /// Begins a transaction. Fails at once if another process holds the lock.
    pub(crate) fn try_begin(&mut self) -> rusqlite::Result<()> {
        // A transaction is still open if the last rollback failed, for example because memory ran
        // out.
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

    /// Rolls back an open transaction, if any.
    pub(crate) fn roll_back(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        let _own = self.guard.own();
        self.connection.execute_batch("ROLLBACK")
    }

    /// Drops the temporary tables of handlers: the next handler must not see them.
    fn drop_temporary(&self) -> rusqlite::Result<()> {
        let _meant = self.guard.committing();
        // Dropping a table or view also drops its indexes and triggers. Dropping a virtual table
        // drops its own tables.
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

    /// Stores the last event, and notices whether other processes have appended.
    pub(crate) fn learn(&mut self, last: Bookmark) {
        if self.released.is_some() && last != self.last {
            self.others = Some(Instant::now());
        }
    }

    /// Gives other processes a chance. `SQLite`'s lock is not fair: a process that acquires it
    /// again at once blocks those that wait for it. So this process pauses between two transactions
    /// while others write too.
    pub(crate) fn moment_for_others(&self) -> Option<Duration> {
        let recently = |moment: Option<Instant>, span| moment.is_some_and(|moment| moment.elapsed() < span);
        let crowded = recently(self.others, POLITE) && recently(self.released, LONGEST_WAIT);
        crowded.then(|| jittered(FIRST_WAIT * 4))
    }
}

/// Between half and all of `wait`, so that waiting processes do not retry in lockstep.
pub(crate) fn jittered(wait: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let half = wait / 2;
    let random = RandomState::new().hash_one(0) % 1024;
    half + half.mul_f64(f64::from(u16::try_from(random).unwrap_or(0)) / 1024.0)
}
