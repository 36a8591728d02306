//! Why there is no server.

use std::path::PathBuf;

/// Why a server could not be started, or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Its program is not on this machine.
    #[error(
        "`{program}` is not on this machine (looked in PATH and {looked:?}): install it with `{install}`, or let \
         scripts/install-test-servers.sh do so, or name a running server in {variable}"
    )]
    Missing {
        /// The program.
        program: &'static str,
        /// Where else it was looked for.
        looked: Vec<PathBuf>,
        /// What installs it here.
        install: &'static str,
        /// The environment variable that makes it needless.
        variable: &'static str,
    },
    /// Somebody else has taken the port since it was found free.
    #[error("port {0} is taken")]
    PortTaken(u16),
    /// The system lacks something else.
    #[error("{0}")]
    System(String),
    /// A program ended badly, or said nothing in time.
    #[error("{what}: {said}")]
    Failed {
        /// What was tried.
        what: String,
        /// What it said.
        said: String,
    },
}

impl ServerError {
    pub(crate) fn failed(what: impl Into<String>, said: impl std::fmt::Display) -> Self {
        Self::Failed { what: what.into(), said: said.to_string() }
    }
}
