//! MongoDB, or another server that speaks its protocol.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use tempfile::TempDir;

use crate::error::ServerError;
use crate::find::Program;
use crate::process::{Process, folder, on_free_port};

const VARIABLE: &str = "TEST_MONGODB_URL";

/// MongoDB itself, where it is installed.
const MONGOD: Program = Program {
    name: "mongod",
    install: "brew install mongodb-community",
    variable: VARIABLE,
    folders: || ["/opt/homebrew/bin", "/usr/local/bin"].map(PathBuf::from).to_vec(),
};

/// SecantusDB, another server that speaks its protocol. `scripts/install-test-servers.sh` puts it there.
const SECANTUS: Program = Program {
    name: "secantusd-py",
    install: "pip install SecantusDB==0.7.0b3   # or MongoDB itself: mongod",
    variable: VARIABLE,
    folders: || {
        let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share"));
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).or(home);
        data.map(|data| data.join("cqrs-test-servers/secantusdb-0.7.0b3/bin")).into_iter().collect()
    },
};

/// A server that speaks MongoDB's protocol, or the one that `TEST_MONGODB_URL` names.
pub struct Mongo {
    /// Before and after a database's name.
    url: (String, String),
    own: Option<Own>,
}

/// A server that this process has started.
struct Own {
    process: Mutex<Option<Process>>,
    program: PathBuf,
    port: u16,
    /// The last: it goes when the process is gone.
    folder: TempDir,
}

impl Mongo {
    /// The server that all tests of this process share. It is not to be stopped: it may then lose what it acknowledged last.
    ///
    /// # Panics
    /// If there is none: the message says what to do.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Mongo> = OnceLock::new();
        SHARED.get_or_init(|| {
            let server = match std::env::var(VARIABLE) {
                Ok(url) => Self::given(&url),
                Err(_) => Self::start_with(false),
            };
            server.unwrap_or_else(|error| panic!("{error}"))
        })
    }

    fn given(url: &str) -> Result<Self, ServerError> {
        let wrong = || ServerError::System(format!("{VARIABLE} is to be `mongodb://host:port`"));
        let host = url.find("://").ok_or_else(wrong)? + 3;
        let (before, options) = url.split_once('?').unwrap_or((url, ""));
        let end = before[host..].find('/').map_or(before.len(), |slash| host + slash);
        let options = if options.is_empty() { String::new() } else { format!("?{options}") };
        Ok(Self { url: (format!("{}/", &before[..end]), options), own: None })
    }

    /// A server of its own: MongoDB if it is installed, or else another one that speaks its protocol. What it acknowledges is on the
    /// disk before it answers those who ask for that.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn start() -> Result<Self, ServerError> {
        Self::start_with(true)
    }

    fn start_with(is_durable: bool) -> Result<Self, ServerError> {
        let program = MONGOD.find().or_else(|_| SECANTUS.find())?;
        let folder = folder()?;
        let (port, process) = on_free_port(|port| Ok((port, run(port, &program, folder.path(), is_durable)?)))?;
        let own = Own { process: Mutex::new(Some(process)), program, port, folder };
        Ok(Self { url: (format!("mongodb://127.0.0.1:{port}/"), String::new()), own: Some(own) })
    }

    /// The URL of a database of this server. It is made when something is written to it.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let (before, after) = &self.url;
        format!("{before}{database}{after}")
    }

    /// Whether it is SecantusDB, which is far slower than MongoDB itself.
    #[must_use]
    pub fn is_stand_in(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.program.ends_with(SECANTUS.name))
    }

    /// Stops the server as a crash of it does: at once.
    ///
    /// # Errors
    /// It is not this process's own, or does not run.
    pub fn stop_immediate(&self) -> Result<(), ServerError> {
        let process = self.own()?.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        process.ok_or_else(|| ServerError::System("the server does not run".into()))?.stop()
    }

    /// Starts the server again, on the same port, with what it held.
    ///
    /// # Errors
    /// It is not this process's own, or does not start.
    pub fn restart(&self) -> Result<(), ServerError> {
        let own = self.own()?;
        let mut process = own.process.lock().unwrap_or_else(PoisonError::into_inner);
        if process.is_some() {
            return Err(ServerError::System("the server runs already".into()));
        }
        *process = Some(run(own.port, &own.program, own.folder.path(), true)?);
        Ok(())
    }

    /// Starts the server again, on the same port, with nothing in it.
    ///
    /// # Errors
    /// It is not this process's own, or does not start.
    pub fn restart_empty(&self) -> Result<(), ServerError> {
        let removed = std::fs::remove_dir_all(data(self.own()?.folder.path()));
        removed.map_err(|error| ServerError::failed("what the server held cannot be removed", error))?;
        self.restart()
    }

    fn own(&self) -> Result<&Own, ServerError> {
        self.own.as_ref().ok_or_else(|| ServerError::System(format!("the server of {VARIABLE} is not ours to stop")))
    }
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn run(port: u16, program: &Path, folder: &Path, is_durable: bool) -> Result<Process, ServerError> {
    let data = data(folder);
    std::fs::create_dir_all(&data).map_err(|error| ServerError::failed("the server's folder cannot be made", error))?;
    let (name, data, number) = (program.to_string_lossy(), data.to_string_lossy(), port.to_string());
    let mut server = if program.ends_with(MONGOD.name) {
        vec![&*name, "--bind_ip", "127.0.0.1", "--port", &number, "--dbpath", &data, "--nounixsocket"]
    } else {
        vec![&*name, "--host", "127.0.0.1", "--port", &number, "--storage-path", &data, "--standalone"]
    };
    // It would press every row onto the disk by itself.
    if is_durable && !program.ends_with(MONGOD.name) {
        server.push("--sync-on-commit");
    }
    Process::start(folder, port, "KILL", &server, None, || answers(port))
}

/// `{ hello: 1, $db: "admin" }`, as a message of the protocol.
const HELLO: &[u8] = b"\x34\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x1f\0\0\0\
    \x10hello\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0";

/// Whether the server talks.
fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    // The length of the answer, its number, and the number of what it answers.
    let mut answer = [0; 12];
    stream.write_all(HELLO).is_ok() && stream.read_exact(&mut answer).is_ok() && answer[8..] == [1, 0, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_answers_until_it_is_dropped_and_over_a_restart() {
        let server = Mongo::start().unwrap_or_else(|error| panic!("{error}"));
        let own = server.own().expect("our own");
        let port = own.port;
        assert_eq!(server.url("shop"), format!("mongodb://127.0.0.1:{port}/shop"));
        assert!(answers(port));
        assert_eq!(server.is_stand_in(), MONGOD.find().is_err(), "MongoDB itself is preferred");
        let files = || data(own.folder.path()).read_dir().expect("a folder").count();
        assert!(files() > 0, "what it acknowledges is on the disk");
        server.stop_immediate().expect("it stops");
        assert!(!answers(port));
        server.restart().expect("it starts again");
        server.stop_immediate().expect("it stops");
        server.restart_empty().expect("it starts again");
        assert!(answers(port));
        drop(server);
        assert!(!answers(port));
    }

    #[test]
    fn a_given_server_has_any_database() {
        for (given, url) in [
            ("mongodb://host", "mongodb://host/shop"),
            ("mongodb://ada:secret@host:1,other:2/admin", "mongodb://ada:secret@host:1,other:2/shop"),
            ("mongodb://host/?tls=true&authSource=admin", "mongodb://host/shop?tls=true&authSource=admin"),
            ("mongodb://host/one?tls=true", "mongodb://host/shop?tls=true"),
        ] {
            assert_eq!(Mongo::given(given).unwrap_or_else(|error| panic!("{error}")).url("shop"), url);
        }
        assert!(Mongo::given("host:1").is_err());
    }
}
