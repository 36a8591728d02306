//! Options of a file, and the builders that set them.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Durability of a commit (SQLite's `synchronous` pragma).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Every commit is on disk before it is acknowledged. It survives a power failure.
    #[default]
    Full,
    /// A commit survives the end of the program, even by `SIGKILL`, but a power failure may lose
    /// the last ones. The file stays intact.
    Normal,
}

/// How to open a file, for a log or for views.
#[derive(Clone, Debug)]
pub(crate) struct FileOptions {
    pub(crate) path: PathBuf,
    pub(crate) lock_timeout: Duration,
    pub(crate) synchronous: Synchronous,
    pub(crate) readers: usize,
}

impl FileOptions {
    pub(crate) fn new(path: &Path, synchronous: Synchronous) -> Self {
        let readers = thread::available_parallelism().map_or(4, |cores| cores.get().max(4));
        Self { path: path.to_owned(), lock_timeout: Duration::from_secs(30), synchronous, readers }
    }
}

macro_rules! builder {
    ($(#[$doc:meta])+ $builder:ident, $what:ident, $durability:literal, $default:expr) => {
        $(#[$doc])+
        #[derive(Clone, Debug)]
        #[must_use = "nothing is opened until `.open()` is awaited"]
        pub struct $builder($crate::options::FileOptions);

        impl $builder {
            pub(crate) fn new(path: &std::path::Path) -> Self {
                Self($crate::options::FileOptions::new(path, $default))
            }

            /// How long to wait for a lock or a connection. Default: 30 seconds.
            ///
            /// The limit applies to a transaction that waits for the lock, which another
            /// transaction or process holds, and to a reader that waits for a connection while all
            /// are in use. When it runs out, the call fails with
            /// [`Unavailable`](cqrs_core::store_error::StoreError::Unavailable). Readers never wait for
            /// a writer. They wait at most ten seconds while another process recovers the file
            /// after a crash.
            pub fn lock_timeout(mut self, timeout: std::time::Duration) -> Self {
                self.0.lock_timeout = timeout;
                self
            }

            #[doc(hidden)]
            #[deprecated(note = "renamed to `lock_timeout`")]
            pub fn busy_timeout(self, timeout: std::time::Duration) -> Self {
                self.lock_timeout(timeout)
            }

            #[doc = concat!("How durable a commit is. Default: ", $durability, ".")]
            pub fn synchronous(mut self, synchronous: $crate::Synchronous) -> Self {
                self.0.synchronous = synchronous;
                self
            }

            /// The maximum number of read connections, at least 1. Default: the number of cores, at
            /// least 4.
            ///
            /// They are opened on demand.
            pub fn readers(mut self, readers: usize) -> Self {
                self.0.readers = readers.max(1);
                self
            }

            /// Opens the file, and creates it if it is missing.
            ///
            /// # Errors
            /// See [`OpenError`].
            pub async fn open(self) -> Result<$what, $crate::OpenError> {
                Ok($what::new($crate::shared::Shared::open(self.0).await?.into()))
            }
        }
    };
}
pub(crate) use builder;
