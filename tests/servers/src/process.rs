//! A server's process, its folder, and the shell that ends both.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::error::ServerError;

/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts the server, and ends it on request, or when nobody is left to request it. Only in the second case the folder goes
/// too. The first parameter is the signal that ends the server at once, the second is the folder.
const SUPERVISOR: &str = r#"
signal=$1; folder=$2; shift 2
cd "$folder" || exit 1
"$@" </dev/null >"$folder/server.log" 2>&1 &
server=$!
if read -r word; then keep=1; else keep=; fi
kill "-$signal" "$server" 2>/dev/null
wait "$server" 2>/dev/null
if [ -z "$keep" ]; then cd / && rm -rf "$folder"; fi
"#;

/// Another user than this one, to run a server as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl User {
    /// The user of this name in `/etc/passwd`.
    pub(crate) fn named(name: &str) -> Result<Self, ServerError> {
        let missing =
            || ServerError::System(format!("there is no user `{name}` to run the server as: it refuses root"));
        let users = std::fs::read_to_string("/etc/passwd").map_err(|_| missing())?;
        let mut fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let user = fields.find(|fields| fields.len() > 3 && fields[0] == name).ok_or_else(missing)?;
        match (user[2].parse(), user[3].parse()) {
            (Ok(uid), Ok(gid)) => Ok(Self { uid, gid }),
            _ => Err(missing()),
        }
    }

    /// Makes a command run as this user.
    pub(crate) fn run(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

/// Whether this process is root's.
pub(crate) fn is_root(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(folder).is_ok_and(|folder| folder.uid() == 0)
}

/// A server's folder. It goes when this is dropped, and where nothing is dropped, with the server.
pub(crate) fn folder() -> Result<TempDir, ServerError> {
    let folder = tempfile::Builder::new().prefix("cqrs-test-").tempdir();
    folder.map_err(|error| ServerError::failed("a temporary folder cannot be made", error))
}

/// A port that nobody listens on.
fn free_port() -> Result<u16, ServerError> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    Ok(port.map_err(|error| ServerError::failed("there is no free port", error))?.port())
}

/// Starts a server on a port that was free a moment ago, and on another one if it no longer was.
pub(crate) fn on_free_port<T>(start: impl Fn(u16) -> Result<T, ServerError>) -> Result<T, ServerError> {
    const TRIES: usize = 5;
    for _ in 1..TRIES {
        match start(free_port()?) {
            Err(ServerError::PortTaken(_)) => {}
            other => return other,
        }
    }
    start(free_port()?)
}

/// Runs a program to its end, and returns what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String, ServerError> {
    let what = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().map_err(|error| ServerError::failed(&what, error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(ServerError::failed(what, String::from_utf8_lossy(&output.stderr)))
    }
}

/// A running server.
pub(crate) struct Process {
    supervisor: Child,
    line: Option<ChildStdin>,
}

impl Process {
    /// Starts a server in its folder, and waits until it is ready.
    pub(crate) fn start(
        folder: &Path,
        port: u16,
        signal: &str,
        server: &[&str],
        user: Option<User>,
        ready: impl Fn() -> bool,
    ) -> Result<Self, ServerError> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SUPERVISOR, "sh", signal]).arg(folder).args(server).stdin(Stdio::piped());
        // A keyboard's interrupt must not reach it before the tests are done.
        command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        if let Some(user) = user {
            user.run(&mut command);
        }
        let mut supervisor = command.spawn().map_err(|error| ServerError::failed("/bin/sh cannot be run", error))?;
        let line = supervisor.stdin.take();
        let process = Self { supervisor, line };
        let started = Instant::now();
        while !ready() {
            let said = std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
            if said.contains("Address already in use") {
                // Its folder is needed for the next try.
                process.stop()?;
                return Err(ServerError::PortTaken(port));
            }
            if started.elapsed() > PATIENCE {
                return Err(ServerError::failed(format!("{} is not ready after {PATIENCE:?}", server[0]), said));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(process)
    }

    /// Ends the server at once, and keeps its folder.
    pub(crate) fn stop(mut self) -> Result<(), ServerError> {
        if let Some(mut line) = self.line.take() {
            line.write_all(b"stop\n").map_err(|error| ServerError::failed("the supervisor has ended", error))?;
        }
        self.supervisor.wait().map_err(|error| ServerError::failed("the supervisor cannot be waited for", error))?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of the pipe is what the supervisor waits for.
        if self.line.take().is_some() {
            let _ = self.supervisor.wait();
        }
    }
}
