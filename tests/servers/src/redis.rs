//! Redis.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use tempfile::TempDir;

use crate::error::ServerError;
use crate::find::Program;
use crate::process::{Process, folder, on_free_port};

const VARIABLE: &str = "TEST_REDIS_URL";

const SERVER: Program = Program {
    name: "redis-server",
    install: if cfg!(target_os = "macos") { "brew install redis" } else { "apt-get install redis-server" },
    variable: VARIABLE,
    folders: || ["/opt/homebrew/bin", "/usr/local/bin"].map(PathBuf::from).to_vec(),
};

/// A Redis server, or the one that `TEST_REDIS_URL` names.
pub struct Redis {
    url: String,
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

impl Redis {
    /// The server that all tests of this process share.
    ///
    /// # Panics
    /// If there is none: the message says what to do.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Redis> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var(VARIABLE) {
            Ok(url) => Self { url, own: None },
            Err(_) => Self::start().unwrap_or_else(|error| panic!("{error}")),
        })
    }

    /// A server of its own. What it acknowledges is on the disk.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn start() -> Result<Self, ServerError> {
        let program = SERVER.find()?;
        let folder = folder()?;
        let (port, process) = on_free_port(|port| Ok((port, run(port, &program, folder.path())?)))?;
        let own = Own { process: Mutex::new(Some(process)), program, port, folder };
        Ok(Self { url: format!("redis://127.0.0.1:{port}/"), own: Some(own) })
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
        *process = Some(run(own.port, &own.program, own.folder.path())?);
        Ok(())
    }

    /// Starts the server again, on the same port, with nothing in it.
    ///
    /// # Errors
    /// It is not this process's own, or does not start.
    pub fn restart_empty(&self) -> Result<(), ServerError> {
        let files = self.own()?.folder.path().read_dir();
        let files = files.map_err(|error| ServerError::failed("the server's folder cannot be read", error))?;
        for path in files.flatten().map(|file| file.path()) {
            let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.map_err(|error| ServerError::failed("what the server held cannot be removed", error))?;
        }
        self.restart()
    }

    fn own(&self) -> Result<&Own, ServerError> {
        self.own.as_ref().ok_or_else(|| ServerError::System(format!("the server of {VARIABLE} is not ours to stop")))
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn run(port: u16, program: &Path, folder: &Path) -> Result<Process, ServerError> {
    let (program, number) = (program.to_string_lossy(), port.to_string());
    let server =
        [&*program, "--port", &number, "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "always"];
    Process::start(folder, port, "KILL", &server, None, || answers(port))
}

/// Whether the server is done with loading.
fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut answer = [0; 5];
    stream.write_all(b"PING\r\n").is_ok() && stream.read_exact(&mut answer).is_ok() && answer == *b"+PONG"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_answers_until_it_is_dropped() {
        let server = Redis::start().unwrap_or_else(|error| panic!("{error}"));
        let port: u16 = server.url().trim_end_matches('/').rsplit(':').next().expect("a port").parse().expect("a port");
        assert!(answers(port));
        drop(server);
        assert!(!answers(port));
    }

    #[test]
    fn a_server_keeps_what_it_holds_over_a_restart_unless_told_otherwise() {
        let server = Redis::start().unwrap_or_else(|error| panic!("{error}"));
        let port = server.own().expect("our own").port;
        let ask = |command: &str| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
            write!(stream, "{command}\r\n").expect("it hears");
            let mut answer = [0; 4];
            stream.read_exact(&mut answer).expect("it answers");
            answer
        };
        assert_eq!(ask("SET a 1"), *b"+OK\r");
        server.stop_immediate().expect("it stops");
        server.restart().expect("it starts again");
        assert_eq!(ask("EXISTS a"), *b":1\r\n");
        server.stop_immediate().expect("it stops");
        server.restart_empty().expect("it starts again");
        assert_eq!(ask("EXISTS a"), *b":0\r\n");
    }
}
