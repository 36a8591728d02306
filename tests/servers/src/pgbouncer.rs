//! `PgBouncer`, in front of a PostgreSQL server.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::ServerError;
use crate::find::Program;
use crate::postgres::Database;
use crate::process::{Process, User, folder, is_root, on_free_port};

const PROGRAM: Program = Program {
    name: "pgbouncer",
    install: if cfg!(target_os = "macos") { "brew install pgbouncer" } else { "apt-get install pgbouncer" },
    variable: "TEST_PGBOUNCER_URL",
    folders: || ["/usr/sbin", "/opt/homebrew/bin", "/usr/local/bin"].map(PathBuf::from).to_vec(),
};

/// A pooler before a database's server.
pub struct PgBouncer {
    url: String,
    _process: Process,
    /// The last: it goes when the process is gone.
    _folder: TempDir,
}

impl PgBouncer {
    /// A pooler of this `pool_mode` before a database: `session`, `transaction` or `statement`.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn before(database: &Database, mode: &str) -> Result<Self, ServerError> {
        let program = PROGRAM.find()?;
        let folder = folder()?;
        // It refuses root, as the server does.
        let user = if is_root(folder.path()) { Some(User::named("postgres")?) } else { None };
        let (port, process) =
            on_free_port(|port| Ok((port, run(port, &program, folder.path(), database, mode, user)?)))?;
        let name = name(database);
        let url = format!("postgres://postgres@127.0.0.1:{port}/{name}");
        Ok(Self { url, _process: process, _folder: folder })
    }

    /// The database, by way of the pooler.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// The database's name.
fn name(database: &Database) -> &str {
    let path = database.url().split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

fn run(
    port: u16,
    program: &Path,
    folder: &Path,
    database: &Database,
    mode: &str,
    user: Option<User>,
) -> Result<Process, ServerError> {
    let address = database.url().split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
    let (host, server) =
        address.rsplit('@').next().and_then(|address| address.rsplit_once(':')).unwrap_or((address, "5432"));
    let settings = format!(
        "[databases]\n{name} = host={host} port={server} user=postgres\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = {mode}\n\
         unix_socket_dir =\nmax_client_conn = 500\ndefault_pool_size = 30\nignore_startup_parameters = extra_float_digits\n",
        name = name(database),
    );
    let file = folder.join("pgbouncer.ini");
    let failed = |error: std::io::Error| ServerError::failed("pgbouncer.ini cannot be written", error);
    std::fs::write(&file, settings).map_err(failed)?;
    if let Some(user) = user {
        for path in [folder, &*file] {
            std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid)).map_err(failed)?;
        }
    }
    let (program, file) = (program.to_string_lossy(), file.to_string_lossy());
    let ready = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    Process::start(folder, port, "KILL", &[&*program, &*file], user, ready)
}
