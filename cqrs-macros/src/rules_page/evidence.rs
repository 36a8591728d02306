//! What tests the rules: the cases of `tests/ui` with their corrected versions, and the tests of the linked program.

use std::fs;
use std::path::Path;

/// A case of `tests/ui`, as the page shows it.
pub struct Case {
    /// `r203_state`
    pub name: String,
    /// The code that is refused.
    pub refused: String,
    /// What the compiler says.
    pub message: String,
    /// The corrected version.
    pub kept: String,
}

/// A test that runs a program.
pub struct Test {
    /// Its file, from the workspace.
    pub file: String,
    /// The function.
    pub name: String,
    /// Its text.
    pub source: String,
}

/// All of them.
pub struct Evidence {
    cases: Vec<Case>,
    tests: Vec<Test>,
}

impl Evidence {
    /// Reads the tests of a workspace.
    pub fn read(workspace: &Path) -> Self {
        let ui = workspace.join("tests/ui");
        let text = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        let mut cases = Vec::new();
        for path in files(&ui.join("fail")) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let kept = text(&ui.join("pass").join(&name).with_extension("rs"));
                let message = text(&path.with_extension("stderr"));
                cases.push(Case {
                    name,
                    refused: code(&text(&path)),
                    message: message.trim_end().to_owned(),
                    kept: code(&kept),
                });
            }
        }
        cases.sort_by(|one, other| one.name.cmp(&other.name));
        let mut tests = Vec::new();
        for folder in ["tests/it", "cqrs-runtime/tests/it", "adapters", "examples"] {
            tests_of(workspace, &workspace.join(folder), &mut tests);
        }
        tests.sort_by(|one, other| (&one.file, &one.name).cmp(&(&other.file, &other.name)));
        Self { cases, tests }
    }

    /// The cases of a rule.
    pub fn cases(&self, code: u16) -> Vec<&Case> {
        self.cases.iter().filter(|case| case.name.starts_with(&format!("r{code}_"))).collect()
    }

    /// The tests that see a program refused by the rule.
    pub fn refusals(&self, code: u16) -> Vec<&Test> {
        self.tests.iter().filter(|test| mentions(test, code, false)).collect()
    }

    /// The names of all that breaks the rule.
    pub fn broken(&self, code: u16) -> Vec<String> {
        let cases = self
            .cases(code)
            .into_iter()
            .filter(|case| !case.message.is_empty())
            .map(|case| format!("fail/{}", case.name));
        cases.chain(self.refusals(code).into_iter().map(Test::place)).collect()
    }

    /// The names of all that keeps it.
    pub fn kept(&self, code: u16) -> Vec<String> {
        let twins =
            self.cases(code).into_iter().filter(|case| !case.kept.is_empty()).map(|case| format!("pass/{}", case.name));
        twins.chain(self.tests.iter().filter(|test| mentions(test, code, true)).map(Test::place)).collect()
    }
}

impl Test {
    fn place(&self) -> String {
        let file = Path::new(&self.file).file_stem().unwrap_or_default().to_string_lossy();
        format!("{file}::{}", self.name)
    }
}

/// Whether a test names a rule, as kept (`Keeps CQRS801`) or as broken.
fn mentions(test: &Test, code: u16, kept: bool) -> bool {
    let code = format!("CQRS{code}");
    test.source.lines().any(|line| line.contains(&code) && line.contains("Keeps CQRS") == kept)
}

/// The files of a folder and of those in it.
pub fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The test functions below a folder.
fn tests_of(workspace: &Path, folder: &Path, tests: &mut Vec<Test>) {
    for path in files(folder) {
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let file = path.strip_prefix(workspace).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        for part in text.split("#[test]\n").skip(1).chain(text.split("#[tokio::test]\n").skip(1)) {
            let source = part.split_inclusive("\n}\n").next().unwrap_or(part).trim_end().to_owned();
            let name = source.split("fn ").nth(1).and_then(|rest| rest.split('(').next()).unwrap_or_default();
            tests.push(Test { file: file.clone(), name: name.to_owned(), source });
        }
    }
}

/// A case without what every one begins and ends with.
fn code(source: &str) -> String {
    let frame = |line: &&str| !line.starts_with("//!") && !line.starts_with("include!") && *line != "fn main() {}";
    source.lines().filter(frame).collect::<Vec<_>>().join("\n").trim().to_owned()
}
