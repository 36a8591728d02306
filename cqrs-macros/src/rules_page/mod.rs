//! The page of rules, `cqrs_runtime::rules`, and the table of what tests each rule: both made of `index` and of the tests.
//!
//! `CQRS_BLESS=1 cargo test -p cqrs-macros` writes the page; `cargo test -p cqrs-macros --lib the_table -- --nocapture` prints
//! the table.

mod evidence;
mod index;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::rules::{ELSEWHERE, OURS, Stage};
use evidence::{Case, Evidence};
use index::{Entry, INDEX};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    INDEX.iter().flat_map(|(_, entries)| *entries)
}

fn found_by(stages: &[Stage], between: &str) -> String {
    let name = |stage: &Stage| match stage {
        Stage::Macro => "the macro",
        Stage::Types => "the types",
        Stage::Compiler => "rustc",
        Stage::Program => "start-up",
    };
    stages.iter().map(name).collect::<Vec<_>>().join(between)
}

fn page(evidence: &Evidence) -> String {
    let mut page = String::from(include_str!("head.md"));
    let shop = std::fs::read_to_string(workspace().join("tests/ui/shop.rs")).expect("shop.rs");
    let shop = shop.lines().skip_while(|line| line.starts_with("//") || line.is_empty()).collect::<Vec<_>>().join("\n");
    write!(page, "```rust,ignore\n{shop}\n```\n").expect("a text grows");
    for (heading, entries) in INDEX {
        write!(page, "\n# {heading}\n").expect("a text grows");
        for entry in *entries {
            write_rule(&mut page, entry, evidence).expect("a text grows");
        }
    }
    page
}

fn write_rule(page: &mut String, entry: &Entry, evidence: &Evidence) -> std::fmt::Result {
    let Entry { code, refused, why, instead, .. } = entry;
    write!(page, "\n## CQRS{code}\n\n*Refused:* {refused}. Found by {}.\n\n", found_by(entry.stages, " or "))?;
    write!(page, "*Why:* {why}\n\n*Instead:* {instead}\n")?;
    let cases = evidence.cases(*code);
    let example = cases.iter().find(|case| Some(&*case.name) == entry.example).or(cases.first());
    if let Some(Case { refused, message, kept, .. }) = example {
        write!(
            page,
            "\n```rust,ignore\n{refused}\n```\n\n```text\n{message}\n```\n\nThis compiles:\n\n```rust,ignore\n{kept}\n```\n"
        )?;
    }
    for test in evidence.refusals(*code).iter().filter(|_| cases.is_empty()) {
        write!(page, "\nIn `{}`:\n\n```rust,ignore\n{}\n```\n", test.file, test.source)?;
    }
    Ok(())
}

#[test]
fn the_page_is_made_of_the_rules_and_their_tests() {
    let path = workspace().join("cqrs-runtime/src/rules.md");
    let now = page(&Evidence::read(&workspace()));
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if std::env::var_os("CQRS_BLESS").is_some() {
        std::fs::write(&path, now).expect("rules.md can be written");
    } else if now != kept {
        let at = now.lines().zip(kept.lines()).position(|(now, kept)| now != kept).unwrap_or_default() + 1;
        panic!("rules.md is not made of this, from line {at}: CQRS_BLESS=1 cargo test -p cqrs-macros writes it");
    }
}

/// For each rule: who finds a breach, which tests break it and see it refused, which keep it, where it is explained.
#[test]
fn the_table_has_no_hole() {
    let evidence = Evidence::read(&workspace());
    let mut holes = Vec::new();
    println!("{:<5} {:<20} {:<40} {:<40} page", "rule", "found by", "broken in", "kept in");
    for entry in entries() {
        let (broken, kept) = (evidence.broken(entry.code), evidence.kept(entry.code));
        let anchor = format!("cqrs_runtime::rules#cqrs{}", entry.code);
        for row in 0..broken.len().max(kept.len()).max(1) {
            let cell = |list: &[String]| list.get(row).cloned().unwrap_or_default();
            let (rule, stages) =
                if row == 0 { (entry.code.to_string(), found_by(entry.stages, ", ")) } else { Default::default() };
            println!(
                "{rule:<5} {stages:<20} {:<40} {:<40} {}",
                cell(&broken),
                cell(&kept),
                if row == 0 { &anchor } else { "" }
            );
        }
        if broken.is_empty() || kept.is_empty() {
            holes.push(entry.code);
        }
    }
    assert!(
        holes.is_empty(),
        "no test breaks, or none keeps, the rules {holes:?}: a case and its corrected version in tests/ui; of a rule of the linked \
         program, a test that names `CQRSnnn`, and one that says `Keeps CQRSnnn`"
    );
}

#[test]
fn the_index_holds_every_rule_once() {
    let codes: Vec<u16> = entries().map(|entry| entry.code).collect();
    assert!(codes.is_sorted_by(|one, next| one < next), "in order, and none twice: {codes:?}");
    let ours = OURS.iter().map(|rule| (rule.code, rule.stage));
    for (code, stage) in ours.chain(ELSEWHERE.iter().map(|(code, stage, _)| (*code, *stage))) {
        let entry = entries().find(|entry| entry.code == code);
        assert!(
            entry.is_some_and(|entry| entry.stages.contains(&stage)),
            "{code} is not in the index as found by {stage:?}"
        );
    }
    let known: BTreeSet<u16> =
        OURS.iter().map(|rule| rule.code).chain(ELSEWHERE.iter().map(|(code, ..)| *code)).collect();
    let lost: Vec<_> = codes.iter().filter(|code| !known.contains(code)).collect();
    assert!(lost.is_empty(), "the index explains what is no rule: {lost:?}");
    for path in evidence::files(&workspace().join("cqrs-runtime/src")) {
        let text = std::fs::read_to_string(&path).expect("a source");
        for code in text.split("[CQRS").skip(1).filter_map(|rest| rest.get(..3)?.parse().ok()) {
            assert!(codes.contains(&code), "{} names {code}, which is no rule", path.display());
        }
    }
}
