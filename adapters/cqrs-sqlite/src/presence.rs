//! Shows whether a process that holds leases is alive: it keeps a file next to the database locked.
//!
//! The system releases the lock when the process ends, for any reason. A file whose lock is free
//! belongs to a dead process, and its leases can be acquired at once. Without a file, the lease's
//! time decides.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cqrs_core::Uuid;

/// The separator between an owner and its file's name in a lease.
const MARK: char = '\u{1}';

/// The part of the file's name between the database's name and its own.
const INFIX: &str = "-process-";

/// When the files of dead processes are removed. Until then they show that their leases belong to a
/// dead process.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// The file of this process, created on demand.
pub(crate) struct Presence {
    database: PathBuf,
    own: Mutex<Option<Own>>,
}

struct Own {
    name: String,
    path: PathBuf,
    /// Locked until it is closed.
    _file: File,
}

impl Drop for Own {
    fn drop(&mut self) {
        // Its leases were released, or will run out.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Presence {
    /// For a database. It creates no file yet.
    pub(crate) fn next_to(database: &Path) -> Self {
        // As SQLite does: next to the file itself, which a link may point to.
        let database = database.canonicalize().unwrap_or_else(|_| database.to_owned());
        Self { database, own: Mutex::default() }
    }

    /// The owner to store in a lease: with the name of this process's file, if there is one.
    pub(crate) fn mark(&self, owner: &str) -> String {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        // The file may have been deleted.
        if own.as_ref().is_none_or(|own| !own.path.exists()) {
            if own.is_none() {
                self.sweep();
            }
            *own = self
                .make()
                .inspect_err(|error| tracing::debug!(%error, "cannot create a lock file next to the database"))
                .ok();
        }
        own.as_ref().map_or_else(|| owner.to_owned(), |own| format!("{owner}{MARK}{}", own.name))
    }

    /// Whether the process of a marked owner is known to be dead.
    pub(crate) fn is_gone(&self, marked: &str) -> bool {
        let name = marked.split_once(MARK).map(|(_, name)| name).filter(|name| is_name(name));
        name.is_some_and(|name| is_free(&self.path(name)))
    }

    fn make(&self) -> std::io::Result<Own> {
        let name = Uuid::now_v7().simple().to_string();
        let path = self.path(&name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        file.try_lock()?;
        Ok(Own { name, path, _file: file })
    }

    fn path(&self, name: &str) -> PathBuf {
        let mut path = self.database.clone().into_os_string();
        path.push(INFIX);
        path.push(name);
        path.into()
    }

    /// Removes old files of dead processes.
    fn sweep(&self) {
        let (Some(folder), Some(database)) = (self.database.parent(), self.database.file_name()) else { return };
        let prefix = format!("{}{INFIX}", database.to_string_lossy());
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_one = entry.file_name().to_string_lossy().strip_prefix(&prefix).is_some_and(is_name);
            let age =
                entry.metadata().and_then(|entry| entry.modified()).map(|made| made.elapsed().unwrap_or_default());
            if is_one && age.is_ok_and(|age| age > KEPT) && is_free(&entry.path()) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// The owner without the mark.
pub(crate) fn unmarked(owner: &str) -> &str {
    owner.split(MARK).next().unwrap_or_default()
}

fn is_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|letter| letter.is_ascii_hexdigit())
}

/// Whether a file exists and is not locked.
fn is_free(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    // Closing the file releases the lock.
    match file.try_lock_shared() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_gone_when_its_file_is_there_and_free() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("views.db");
        let (one, other) = (Presence::next_to(&database), Presence::next_to(&database));
        let marked = one.mark("me");
        assert_eq!((unmarked(&marked), one.mark("me") == marked, other.mark("me") == marked), ("me", true, false));
        assert!(!other.is_gone(&marked) && !one.is_gone(&marked));
        // As after a crash: the lock is released, and the file stays.
        let crashed = folder.path().join(format!("views.db{INFIX}{:032x}", 7));
        File::create(&crashed).expect("a file");
        assert!(other.is_gone(&format!("me{MARK}{:032x}", 7)));
        assert!(!other.is_gone("me") && !other.is_gone(&format!("me{MARK}{:032x}", 8)), "without a file, time decides");
        assert!(!other.is_gone(&format!("me{MARK}../views.db")), "no other file is opened");
        std::fs::remove_file(one.own.lock().expect("no panic").as_ref().map(|own| &own.path).expect("a file"))
            .expect("tidied up");
        assert!(!other.is_gone(&one.mark("me")), "the file is created again");
        drop(one);
        let left = std::fs::read_dir(folder.path()).expect("a folder").flatten().count();
        assert_eq!(left, 2, "the crashed process's file and the other's");
    }
}
