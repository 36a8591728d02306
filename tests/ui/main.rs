//! What must not compile, with its message, and the corrected version that does.
//!
//! A case is named after its rule. `TRYBUILD=overwrite cargo test -p cqrs-tests --test ui` writes the messages again: read the
//! difference as a user would. One case alone: `cargo test -p cqrs-tests --test ui -- what_breaks trybuild=r205`.

// The corrected versions are compiled, and nothing calls them. They differ from their cases in the fault alone, so their style is theirs.
#[allow(dead_code, clippy::all, clippy::pedantic)]
mod pass;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Rules whose message is the compiler's own: it says all that there is to say.
///
/// That of 408 names a constant, whose name says the rest.
const COMPILERS: [&str; 8] = [
    "r108_id_on_a_view",
    "r109_not_sync",
    "r109_private",
    "r206_another_crate",
    "r206_two_handlers",
    "r306_two_handlers",
    "r408_atomic",
    "r408_mutex",
];

/// Where the compiler cannot be kept from adding its own error, of two derives that both say what a message is.
const TWO_ERRORS: [&str; 1] = ["r101_two_intentions"];

/// How many lines a corrected version may change, lines of a comment aside.
const MOST_CHANGES: usize = 6;

#[test]
fn what_breaks_a_rule_is_refused() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}

#[test]
fn all_faults_of_one_item_show_at_once() {
    trybuild::TestCases::new().compile_fail("ui/many/*.rs");
}

#[test]
fn each_case_is_one_error_with_its_code_at_the_fault() {
    let mut faults = Vec::new();
    for (name, source) in sources("fail", "rs") {
        let stderr = fs::read_to_string(format!("ui/fail/{name}.stderr")).unwrap_or_default();
        let mut fault = |what: String| faults.push(format!("{name}: {what}"));
        let heads: Vec<&str> = stderr.lines().filter(|line| is_head(line)).collect();
        let errors = if TWO_ERRORS.contains(&name.as_str()) { 2 } else { 1 };
        if heads.len() != errors || !heads.iter().all(|head| head.starts_with("error")) {
            fault(format!("{errors} error and no warning, not {heads:?}"));
            continue;
        }
        let code = format!("[CQRS{}]", &name[1..4]);
        // Of two codes in one error the other may be the head.
        if !COMPILERS.contains(&name.as_str()) && !stderr.contains(&code) {
            fault(format!("{code} is not in: {stderr}"));
        }
        let expected = source.lines().find_map(|line| line.strip_prefix("//! The fault: `")?.strip_suffix('`'));
        let marked = marked(&stderr, &source);
        if expected != marked {
            fault(format!("the error is at {marked:?}, and the fault is {expected:?}"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn each_case_has_a_corrected_version_that_differs_in_the_fault_alone() {
    let (cases, corrected) = (sources("fail", "rs"), sources("pass", "rs"));
    let compiled = fs::read_to_string("ui/pass/mod.rs").unwrap();
    let compiled: Vec<_> = compiled.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
    let names: Vec<_> = cases.keys().map(String::as_str).collect();
    assert_eq!(names, compiled, "each case's corrected version is a module of `pass`, in order");
    for (name, case) in &cases {
        let kept = corrected.get(name).unwrap_or_else(|| panic!("{name} has no corrected version"));
        let changed = changes(&lines(case), &lines(kept));
        assert!((1..=MOST_CHANGES).contains(&changed), "{name}: {changed} lines are not in both");
    }
}

/// The files of a folder, by name.
fn sources(folder: &str, extension: &str) -> BTreeMap<String, String> {
    let files = fs::read_dir(Path::new("ui").join(folder)).unwrap().map(|file| file.unwrap().path());
    let wanted =
        files.filter(|path| path.extension().is_some_and(|found| found == extension) && !path.ends_with("mod.rs"));
    wanted
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect()
}

fn is_head(line: &str) -> bool {
    ["error:", "error[", "warning:"].iter().any(|head| line.starts_with(head))
}

/// The source that the first error marks.
fn marked<'a>(stderr: &str, source: &'a str) -> Option<&'a str> {
    let place = stderr.lines().find_map(|line| line.trim_start().strip_prefix("--> "))?;
    let (rest, column) = place.rsplit_once(':')?;
    let (_, line) = rest.rsplit_once(':')?;
    let line_text = source.lines().nth(line.parse::<usize>().ok()? - 1)?;
    let gutter = format!("{line} |");
    let mut shown = stderr.lines().skip_while(|shown| !shown.trim_start().starts_with(&gutter)).skip(1);
    // Labels on a part of it interrupt the carets with dashes.
    let marks = shown.next()?.split_once("| ")?.1;
    let start = column.parse::<usize>().ok()? - 1;
    let carets = marks.get(start..)?.chars().take_while(|letter| ['^', '-'].contains(letter)).count();
    line_text.get(start..start + carets)
}

/// The lines of code, without what rules write at their ends.
fn lines(source: &str) -> Vec<&str> {
    let code = source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//!"));
    code.filter(|line| *line != "fn main() {}").collect()
}

/// How many lines are in the one and not in the other, the longer side counted.
fn changes(one: &[&str], other: &[&str]) -> usize {
    let missing = |from: &[&str], to: &[&str]| {
        let mut to = to.to_vec();
        let lost = from.iter().filter(|line| match to.iter().position(|other| other == *line) {
            Some(at) => {
                to.remove(at);
                false
            }
            None => true,
        });
        lost.count()
    };
    missing(one, other).max(missing(other, one))
}
