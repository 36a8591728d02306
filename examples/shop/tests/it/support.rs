//! Runs the program in a folder of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The file of orders that comes with the shop.
pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample.ndjson")
}

/// A shop with a folder of its own, and a file in it unless it lives elsewhere.
pub struct Shop {
    folder: TempDir,
    /// The options that say where.
    places: Vec<String>,
}

/// What the program said.
#[derive(Debug)]
pub struct Said {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

impl Shop {
    pub fn new() -> Self {
        Self::at(&[])
    }

    /// A shop that lives where these options say.
    pub fn at(places: &[&str]) -> Self {
        let places = places.iter().map(|&option| option.to_owned()).collect();
        Self { folder: tempfile::tempdir().unwrap(), places }
    }

    pub fn db(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    /// Runs the program there.
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, "")
    }

    /// Runs the program there, with something on its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut program = Command::new(env!("CARGO_BIN_EXE_shop"));
        program.args(&self.places).args(arguments).current_dir(self.folder.path());
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().unwrap();
        // A program that stops early does not read all of it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { ok: status.success(), out: text(stdout), err: text(stderr) }
    }

    /// Runs the program there, which must succeed, and returns what it printed.
    #[track_caller]
    pub fn succeeds(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert!(said.ok, "{arguments:?}: {said:?}");
        said.out
    }

    /// Asks a query.
    #[track_caller]
    pub fn asks(&self, query: &str, json: &str) -> serde_json::Value {
        serde_json::from_str(&self.succeeds(&["ask", query, json])).unwrap()
    }

    /// How many events the log holds.
    #[track_caller]
    pub fn events(&self) -> usize {
        self.succeeds(&["events"]).lines().count()
    }
}
