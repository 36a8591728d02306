//! Detects that another file has replaced the one that is open, such as a restored backup.
//!
//! A replaced file stays open, but has no name any more: writes to it are lost, and reads from it
//! are stale. So connections are opened again when the path names another file.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cqrs_core::log::StoreError;

/// The number of a file in its file system. No other file has it while this one is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    number: u64,
}

/// The path of a database, and which files were there when connections were last opened.
pub(crate) struct Place {
    store: Arc<str>,
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Clone, Copy)]
struct Known {
    database: Option<FileId>,
    /// The write-ahead log. It belongs to this file and to no other.
    ahead: Option<FileId>,
}

impl Place {
    /// For a database that was just opened.
    pub(crate) fn new(store: Arc<str>, path: PathBuf) -> Self {
        let known = Known { database: None, ahead: None };
        let place = Self { store, path, known: Mutex::new(known) };
        place.learn();
        place
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Records the files at the path. They belong together: a writing connection was opened on
    /// them.
    pub(crate) fn learn(&self) {
        let look = |path: &Path| look(path).ok().flatten().map(|(id, _)| id);
        let known = Known { database: look(&self.path), ahead: look(&self.ahead()) };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// The file at the path.
    ///
    /// # Errors
    /// `Unavailable` if there is no file, or one that must not be opened as it is.
    pub(crate) fn file(&self) -> Result<FileId, StoreError> {
        let unavailable = |reason: String| StoreError::Unavailable { store: self.store.to_string(), reason };
        let looked = look(&self.path)
            .map_err(|error| unavailable(format!("cannot look at the file: {error}; check its permissions")))?;
        let Some((database, length)) = looked else {
            return Err(unavailable("the file is gone, and writes would be lost; put it back".to_owned()));
        };
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if Some(database) == known.database {
            return Ok(database);
        }
        if length == 0 {
            return Err(unavailable(
                "another file has replaced this one, and it is empty so far; complete the copy".to_owned(),
            ));
        }
        let ahead = look(&self.ahead()).ok().flatten().map(|(id, _)| id);
        if ahead.is_some() && ahead == known.ahead {
            return Err(unavailable(format!(
                "another file has replaced this one, but `{}` is still the old file's, and would corrupt the new \
                 one; remove it and the `-shm` next to it",
                self.ahead().display()
            )));
        }
        Ok(database)
    }

    fn ahead(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push("-wal");
        path.into()
    }
}

/// The file at a path and its length in bytes, if there is one.
fn look(path: &Path) -> std::io::Result<Option<(FileId, u64)>> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(Some((FileId::of(&found), found.len()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl FileId {
    #[cfg(unix)]
    fn of(file: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: file.dev(), number: file.ino() }
    }

    /// Other systems do not allow a file to be replaced while it is open.
    #[cfg(not(unix))]
    fn of(_: &std::fs::Metadata) -> Self {
        Self { device: 0, number: 0 }
    }
}
