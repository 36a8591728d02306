//! Redis.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

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
    /// What this process has started, the folder last: it goes when the process is gone.
    #[expect(dead_code, reason = "it ends when this is dropped")]
    own: Option<(Process, TempDir)>,
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

    /// A server of its own. What it is told is on the disk before it answers.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn start() -> Result<Self, ServerError> {
        let program = SERVER.find()?;
        let folder = folder()?;
        let (port, process) = on_free_port(|port| Ok((port, run(port, &program, folder.path())?)))?;
        Ok(Self { url: format!("redis://127.0.0.1:{port}/"), own: Some((process, folder)) })
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
}
