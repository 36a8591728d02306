//! Where programs lie.

use std::path::{Path, PathBuf};

use crate::error::ServerError;

/// A program that a server needs.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) install: &'static str,
    pub(crate) variable: &'static str,
    /// Where it may be, other than in PATH.
    pub(crate) folders: fn() -> Vec<PathBuf>,
}

impl Program {
    /// Its path: in the one folder that `TEST_.._BIN` names, or wherever it may lie.
    pub(crate) fn find(&self) -> Result<PathBuf, ServerError> {
        let chosen = self.variable.replace("_URL", "_BIN");
        if let Some(folder) = std::env::var_os(&chosen) {
            let program = Path::new(&folder).join(self.name);
            let missing = || format!("there is no `{}`, as {chosen} has it", program.display());
            return if program.is_file() { Ok(program) } else { Err(ServerError::System(missing())) };
        }
        let looked = (self.folders)();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = looked.iter().cloned().chain(std::env::split_paths(&path)).map(|folder| folder.join(self.name));
        found.into_iter().find(|program| program.is_file()).ok_or(ServerError::Missing {
            program: self.name,
            looked,
            install: self.install,
            variable: self.variable,
        })
    }
}

/// The folders `parent/*/child` whose middle begins with `prefix`, the greatest number in it first.
pub(crate) fn versions(parent: &str, prefix: &str, child: &str) -> Vec<PathBuf> {
    let number = |path: &Path| -> u32 {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.trim_start_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap_or(0)
    };
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = entries
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)))
        .collect();
    found.sort_by_key(|path| std::cmp::Reverse(number(path)));
    found.into_iter().map(|path| path.join(child)).filter(|path| path.is_dir()).collect()
}
