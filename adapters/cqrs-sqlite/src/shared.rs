//! An open file.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use cqrs_core::log::StoreError;
use rusqlite::Connection;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::connect::open_writer;
use crate::error::{OpenError, is_busy, store_error};
use crate::guard::Guard;
use crate::options::FileOptions;
use crate::place::{FileId, Place};
use crate::pool::Pool;
use crate::presence::Presence;
use crate::transaction::{Locked, Transaction};
use crate::writer::{FIRST_WAIT, LONGEST_WAIT, Writer, jittered};

/// The state that the log, its views and its snapshots share.
pub(crate) struct Shared {
    pub(crate) store: Arc<str>,
    pub(crate) readers: Pool,
    pub(crate) place: Arc<Place>,
    /// The one connection that writes. The mutex is fair: first come, first served.
    writer: Arc<Mutex<Writer>>,
    options: FileOptions,
    /// Shows other processes that this one is alive.
    pub(crate) presence: Presence,
}

impl Shared {
    /// Opens a file, and creates it if it is missing.
    pub(crate) async fn open(mut options: FileOptions) -> Result<Self, OpenError> {
        let asked = options.path.clone();
        let failed = |reason: String| OpenError::Failed { path: asked.clone(), reason };
        if options.path.as_os_str().is_empty() || options.path == Path::new(":memory:") {
            return Err(OpenError::NoFile(options.path));
        }
        if let Some(uri) = uri(&options.path) {
            return Err(OpenError::Uri { uri });
        }
        // An absolute path stays valid when the program changes its working directory.
        options.path = std::path::absolute(&options.path).map_err(|error| failed(error.to_string()))?;
        let opened = tokio::task::spawn_blocking(move || Ok((open_writer(&options)?, options))).await;
        let ((connection, guard), options) = opened.map_err(|error| failed(error.to_string()))??;
        Ok(Self::new(connection, guard, options))
    }

    fn new(connection: Connection, guard: Guard, options: FileOptions) -> Self {
        let store: Arc<str> = format!("SQLite file {}", options.path.display()).into();
        let place = Arc::new(Place::new(Arc::clone(&store), options.path.clone()));
        let writer = Writer::new(connection, guard, place.file().ok());
        let readers = Pool::new(Arc::clone(&store), Arc::clone(&place), options.readers, options.lock_timeout);
        let writer = Arc::new(Mutex::new(writer));
        let presence = Presence::next_to(&options.path);
        Self { store, readers, place, writer, options, presence }
    }

    /// Waits for this process's turn to write.
    pub(crate) async fn lock(&self) -> OwnedMutexGuard<Writer> {
        Arc::clone(&self.writer).lock_owned().await
    }

    /// Acquires the lock: first among the tasks of this process, then among processes.
    pub(crate) async fn begin(&self) -> Result<Locked, StoreError> {
        let started = Instant::now();
        let unavailable = |who: &str| StoreError::Unavailable {
            store: self.store.to_string(),
            reason: format!(
                "cannot acquire the lock: {who} has held it for {:?}; retry, or raise `lock_timeout`",
                self.options.lock_timeout
            ),
        };
        let lock = tokio::time::timeout(self.options.lock_timeout, Arc::clone(&self.writer).lock_owned());
        let mut writer = lock.await.map_err(|_| unavailable("another transaction of this process"))?;
        if let Some(moment) = writer.moment_for_others() {
            tokio::time::sleep(moment).await;
        }
        let mut wait = FIRST_WAIT;
        loop {
            match writer.try_begin() {
                // Checked under the lock: the file may have been replaced while this task waited.
                Ok(()) => match self.place.file() {
                    Ok(file) if writer.file == Some(file) => break,
                    other => {
                        writer.roll_back().map_err(|error| store_error(&self.store, &error))?;
                        self.reopen(&mut writer, other?).await?;
                        continue;
                    }
                },
                Err(error) if !is_busy(&error) => return Err(store_error(&self.store, &error)),
                Err(_) if started.elapsed() >= self.options.lock_timeout => return Err(unavailable("another process")),
                Err(_) => {}
            }
            tokio::time::sleep(jittered(wait)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        // From here on, dropping rolls back.
        let mut transaction = Transaction::new(writer);
        let last = transaction.learn_last().map_err(|error| store_error(&self.store, &error))?;
        Ok(Locked::new(Arc::clone(&self.store), transaction, last))
    }

    /// Opens the new file at the path, which has replaced the one that is open.
    async fn reopen(&self, writer: &mut Writer, file: FileId) -> Result<(), StoreError> {
        let unavailable = |reason: String| StoreError::Unavailable { store: self.store.to_string(), reason };
        let options = self.options.clone();
        let opened = tokio::task::spawn_blocking(move || open_writer(&options)).await;
        let opened = opened.map_err(|error| unavailable(error.to_string()))?;
        let (connection, guard) = opened.map_err(|error| unavailable(error.to_string()))?;
        tracing::warn!(store = %self.store, "the file was replaced; the new file is open now");
        self.place.learn();
        (writer.connection, writer.guard, writer.file) = (connection, guard, Some(file));
        Ok(())
    }
}

/// The URI that a path is or ends with, without its query. `SQLite` would create a file of that
/// name.
fn uri(path: &Path) -> Option<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let uri = |text: &str| {
        let (scheme, _) = text.split_once(':')?;
        let is_uri = ["file", "sqlite", "sqlite3"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
        is_uri.then(|| text.split(['?', '#']).next().unwrap_or_default().to_owned())
    };
    path.to_str().and_then(uri).or_else(|| name.and_then(uri))
}
