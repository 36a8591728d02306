//! Whether a process that has leases still lives: a file next to the database that it holds locked.
//!
//! The system lets go of the lock with the process, however that ends. A file whose lock is free is a dead process's, and its leases
//! are had at once; where there is no file, their time decides.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cqrs_runtime::Uuid;

/// The separator between an owner and its file's name in a lease.
const MARK: char = '\u{1}';

/// What the file's name has between the database's name and its own.
const INFIX: &str = "-process-";

/// Files of dead processes are removed when they are so old: until then their leases are known to be a dead process's.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// The file of this process, once it needs one.
pub(crate) struct Presence {
    database: PathBuf,
    own: Mutex<Option<Own>>,
}

struct Own {
    name: String,
    path: PathBuf,
    /// Locked as long as it is open.
    _file: File,
}

impl Drop for Own {
    fn drop(&mut self) {
        // Its leases were given back, or their time decides.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Presence {
    /// Next to a database. Nothing is made yet.
    pub(crate) fn next_to(database: &Path) -> Self {
        // As SQLite: next to the file itself, to which links may lead.
        let database = database.canonicalize().unwrap_or_else(|_| database.to_owned());
        Self { database, own: Mutex::default() }
    }

    /// An owner as a lease bears it: with the file of this process, if one can be had.
    pub(crate) fn mark(&self, owner: &str) -> String {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have tidied up.
        if own.as_ref().is_none_or(|own| !own.path.exists()) {
            if own.is_none() {
                self.sweep();
            }
            *own = self.make().inspect_err(|error| tracing::debug!(%error, "no lock file next to the database")).ok();
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

    /// Removes what dead processes have left long ago.
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

/// The owner alone.
pub(crate) fn unmarked(owner: &str) -> &str {
    owner.split(MARK).next().unwrap_or_default()
}

fn is_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|letter| letter.is_ascii_hexdigit())
}

/// Whether a file is there that nobody has locked.
fn is_free(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    // It is let go of when the file is closed.
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
        // As a crash leaves it: the lock goes, the file stays.
        let crashed = folder.path().join(format!("views.db{INFIX}{:032x}", 7));
        File::create(&crashed).expect("a file");
        assert!(other.is_gone(&format!("me{MARK}{:032x}", 7)));
        assert!(
            !other.is_gone("me") && !other.is_gone(&format!("me{MARK}{:032x}", 8)),
            "where there is none, time decides"
        );
        assert!(!other.is_gone(&format!("me{MARK}../views.db")), "no other file is looked at");
        std::fs::remove_file(one.own.lock().expect("no panic").as_ref().map(|own| &own.path).expect("a file"))
            .expect("tidied up");
        assert!(!other.is_gone(&one.mark("me")), "it is made once more");
        drop(one);
        let left = std::fs::read_dir(folder.path()).expect("a folder").flatten().count();
        assert_eq!(left, 2, "the crashed one's and the other's");
    }
}
