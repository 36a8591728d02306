//! How a file is opened.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How hard a commit is pressed onto the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Every commit is on the disk before it is acknowledged: it survives a loss of power.
    #[default]
    Full,
    /// A commit survives the end of the program, `SIGKILL` included, but the last ones may be lost with the power. The file
    /// stays whole.
    Normal,
}

/// How a file is opened, whatever it holds.
#[derive(Clone, Debug)]
pub(crate) struct FileOptions {
    pub(crate) path: PathBuf,
    pub(crate) busy_timeout: Duration,
    pub(crate) synchronous: Synchronous,
    pub(crate) readers: usize,
}

impl FileOptions {
    pub(crate) fn new(path: &Path, synchronous: Synchronous) -> Self {
        let readers = thread::available_parallelism().map_or(4, |cores| cores.get().max(4));
        Self { path: path.to_owned(), busy_timeout: Duration::from_secs(30), synchronous, readers }
    }
}

macro_rules! builder {
    ($(#[$doc:meta])+ $builder:ident, $what:ident, $unless:literal, $default:expr) => {
        $(#[$doc])+
        #[derive(Clone, Debug)]
        #[must_use = "nothing is opened until `.open()` is awaited"]
        pub struct $builder($crate::options::FileOptions);

        impl $builder {
            pub(crate) fn new(path: &std::path::Path) -> Self {
                Self($crate::options::FileOptions::new(path, $default))
            }

            /// How long a transaction waits for the lock, in this process or another's hands, and a reader for a connection while all
            /// are in use, before it is [`Unavailable`](cqrs_runtime::log::StoreError::Unavailable). Default: 30 seconds. Readers wait for
            /// nothing else: not for a writer, and ten seconds at most while another process recovers the file after a crash.
            pub fn busy_timeout(mut self, timeout: std::time::Duration) -> Self {
                self.0.busy_timeout = timeout;
                self
            }

            #[doc = concat!("How hard a commit is pressed onto the disk (", $unless, " unless told otherwise).")]
            pub fn synchronous(mut self, synchronous: $crate::Synchronous) -> Self {
                self.0.synchronous = synchronous;
                self
            }

            /// How many connections read at a time, at least one (the number of cores, and at least four, unless told otherwise).
            /// They are opened as they are needed.
            pub fn readers(mut self, readers: usize) -> Self {
                self.0.readers = readers.max(1);
                self
            }

            /// Opens the file, and makes it if it is not there.
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
