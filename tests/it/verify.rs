//! `verify!()` and `events.lock`: what it writes, what it refuses, and how to write a refused change anyway.

use std::fs;
use std::path::Path;
use std::process::Command;

use cqrs_runtime::App;
use cqrs_runtime::verify::{Bless, linked};
use tempfile::TempDir;

/// What makes a program of each release: something that is served.
macro_rules! serves {
    () => {
        #[derive(Query, Serialize, Deserialize)]
        #[cqrs(returns = u32)]
        pub struct Count {}
        #[query]
        async fn count(_q: Count) -> Result<u32, QueryError> {
            Ok(0)
        }
    };
}

/// The first release.
mod first {
    use cqrs_runtime::prelude::*;
    #[derive(Id)]
    pub struct ParcelId(Uuid);
    #[derive(Event, Serialize, Deserialize)]
    pub struct ParcelSent {
        #[tag]
        pub parcel: ParcelId,
        #[serde(rename = "to")]
        pub receiver: String,
        pub weights: Vec<(String, u32)>,
        pub note: Option<String>,
        #[serde(default, with = "super::cents")]
        pub price: u32,
    }
    #[derive(Event, Serialize, Deserialize)]
    pub struct ParcelLost {
        #[tag]
        pub parcel: ParcelId,
    }
    pub struct Parcel;
    #[aggregate(id = ParcelId, on = [ParcelSent, ParcelLost])]
    impl Parcel {
        fn sent(_: &ParcelSent) -> Self {
            Self
        }
        fn lost(&mut self, _: &ParcelLost) {}
    }
    serves!();
}

/// A later one, whose changes harm no stored event.
mod grown {
    use super::first::ParcelId;
    use cqrs_runtime::prelude::*;
    #[derive(Event, Serialize, Deserialize)]
    #[cqrs(name = "ParcelSent")]
    pub struct ParcelSentV1 {
        #[tag]
        pub parcel: ParcelId,
        #[serde(rename = "to")]
        pub receiver: String,
        pub weights: Vec<(String, u32)>,
        pub note: Option<String>,
        #[serde(default, with = "super::cents")]
        pub price: u32,
    }
    #[derive(Event, Serialize, Deserialize)]
    #[cqrs(version = 2, from = ParcelSentV1)]
    pub struct ParcelSent {
        #[tag]
        pub parcel: ParcelId,
        pub receiver: String,
    }
    impl From<ParcelSentV1> for ParcelSent {
        fn from(old: ParcelSentV1) -> Self {
            Self { parcel: old.parcel, receiver: old.receiver }
        }
    }
    #[derive(Event, Serialize, Deserialize)]
    pub struct ParcelLost {
        #[tag]
        pub parcel: ParcelId,
        #[serde(default)]
        pub found: bool,
    }
    pub struct Parcel;
    #[aggregate(id = ParcelId, on = [ParcelSent, ParcelLost])]
    impl Parcel {
        fn sent(_: &ParcelSent) -> Self {
            Self
        }
        fn lost(&mut self, _: &ParcelLost) {}
    }
    serves!();
}

/// A careless one.
mod broken {
    use super::first::ParcelId;
    use cqrs_runtime::prelude::*;
    #[derive(Event, Serialize, Deserialize)]
    pub struct ParcelSent {
        #[tag]
        pub parcel: ParcelId,
        pub receiver: String,
        pub weights: Vec<u32>,
        pub note: Option<String>,
        #[serde(with = "super::cents")]
        pub price: u32,
    }
    pub struct Parcel;
    #[aggregate(id = ParcelId, on = [ParcelSent])]
    impl Parcel {
        fn sent(_: &ParcelSent) -> Self {
            Self
        }
    }
    serves!();
}

mod cents {
    use serde::{Deserialize, Deserializer, Serializer};
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's own signature")]
    pub fn serialize<S: Serializer>(cents: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(cents)
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn check(folder: &Path, release: &str, bless: Bless) -> Result<(), String> {
    let module = format!("{}::{release}", module_path!());
    // These programs hold events alone, which nothing emits.
    let accepted: &[&str] = match release {
        "first" | "grown" => &["ParcelSent", "ParcelLost"],
        "broken" => &["ParcelSent"],
        "covered" => &["BoxPacked", "BoxOpened"],
        "covered_later" => &["BoxPacked"],
        _ => &[],
    };
    linked(folder)
        .only([module])
        .accept(accepted.iter().copied())
        .bless(bless)
        .check()
        .map_err(|faults| faults.to_string())
}

fn lock(folder: &TempDir) -> String {
    fs::read_to_string(folder.path().join("events.lock")).unwrap()
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[test]
fn a_new_crates_first_run_says_how_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    let text = check(folder.path(), "first", Bless::No).unwrap_err();
    let path = folder.path().join("events.lock");
    says(&text, &["[CQRS805] ", "is missing", &path.display().to_string(), "    CQRS_BLESS=1 cargo test"]);
    assert!(!path.exists());

    check(folder.path(), "first", Bless::Additions).unwrap();
    let (head, events) = lock(&folder).split_once("format 1\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(head.lines().all(|line| line.starts_with('#')), "{head}");
    says(&head, &["CQRS_BLESS=1 cargo test", "cqrs_runtime::verify"]);
    let expected = "
event ParcelLost version 1
  schema: not covered, the fields as the source writes them
  tag parcel: parcel
  field parcel: ParcelId

event ParcelSent version 1
  schema: not covered, the fields as the source writes them
  tag parcel: parcel
  field note: Option<String>, may be missing
  field parcel: ParcelId
  field price: u32 by serde(with=\"super::cents\"), may be missing
  field to: String
  field weights: Vec<(String, u32)>
";
    assert_eq!(events, expected);
    check(folder.path(), "first", Bless::No).unwrap();
}

#[test]
fn additions_are_written_when_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    check(folder.path(), "first", Bless::Additions).unwrap();
    let before = lock(&folder);
    let text = check(folder.path(), "grown", Bless::No).unwrap_err();
    says(
        &text,
        &[
            "[CQRS805]",
            "does not contain yet:\n      `ParcelLost` version 1: `found` is new, and may be missing\n      \
             `ParcelSent` version 2: version 2 is new\n    at ",
            "stored events lose nothing",
            "CQRS_BLESS=1 cargo test",
        ],
    );
    assert_eq!(text.matches("verify.rs:").count(), 2, "{text}");
    assert_eq!(lock(&folder), before, "nothing is written unasked");
    check(folder.path(), "grown", Bless::Additions).unwrap();
    says(
        &lock(&folder),
        &["event ParcelSent version 1\n", "event ParcelSent version 2\n", "  field found: bool, may be"],
    );
    // Keeps CQRS805
    check(folder.path(), "grown", Bless::No).unwrap();
}

#[test]
fn losses_are_written_for_the_events_that_are_named() {
    let folder = tempfile::tempdir().unwrap();
    check(folder.path(), "first", Bless::Additions).unwrap();
    let before = lock(&folder);
    let sent = "ParcelSent".to_owned();
    for bless in [Bless::No, Bless::Additions, Bless::Losses(vec![sent.clone()])] {
        let text = check(folder.path(), "broken", bless).unwrap_err();
        says(
            &text,
            &[
                "has 2 faults:",
                "[CQRS805] event `ParcelSent` version 1 does not match stored events",
                "`receiver` is new and stored events lack it",
                "`to` is gone",
                "`weights` is Vec<u32>, but was Vec<(String, u32)> when events were stored",
                "`price` is required, but stored events may lack it",
                "verify.rs:",
                "#[cqrs(name = \"ParcelSent\")]\n        pub struct ParcelSentV1 { note: Option<String>, #[tag] parcel: ",
                "#[cqrs(name = \"ParcelSent\", version = 2, from = ParcelSentV1)]\n        pub struct ParcelSent { ..",
                "impl From<ParcelSentV1> for ParcelSent { .. }",
                "CQRS_BLESS=1 CQRS_BLESS_LOSS=ParcelSent cargo test",
                "event `ParcelLost` version 1 does not match stored events",
                "it is no longer linked: its stored events could not be read",
                "restore the type, under its name in the log:",
                "#[cqrs(name = \"ParcelLost\")]\n        pub struct ParcelLostV1 { #[tag] parcel: ParcelId, }",
            ],
        );
        assert_eq!(lock(&folder), before, "all or nothing");
    }
    check(folder.path(), "broken", Bless::Losses(vec![sent, "ParcelLost".to_owned()])).unwrap();
    assert!(!lock(&folder).contains("ParcelLost"));
    check(folder.path(), "broken", Bless::No).unwrap();
}

#[test]
fn a_lock_that_cannot_be_read_is_never_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    check(folder.path(), "first", Bless::Additions).unwrap();
    let merged = lock(&folder) + "<<<<<<< ours\n";
    fs::write(folder.path().join("events.lock"), &merged).unwrap();
    let every = Bless::Losses(vec!["ParcelSent".to_owned(), "ParcelLost".to_owned()]);
    for bless in [Bless::No, Bless::Additions, every] {
        let text = check(folder.path(), "broken", bless).unwrap_err();
        says(&text, &["events.lock:23 cannot be read: not a part of an event: `<<<<<<< ours`", "fix it"]);
        assert_eq!(lock(&folder), merged);
    }
    // A folder that is none.
    let text = check(&folder.path().join("events.lock"), "first", Bless::Additions).unwrap_err();
    says(&text, &["cannot be read", "verify!(lock = \"..\")"]);
}

/// Events whose types say what is inside them.
mod covered {
    use std::collections::BTreeMap;

    use cqrs_runtime::prelude::*;
    use schemars::JsonSchema;
    #[derive(Id)]
    pub struct BoxId(Uuid);
    #[derive(Id)]
    pub struct Label(String);
    #[derive(Serialize, Deserialize, JsonSchema)]
    pub struct Item {
        pub label: Label,
        pub pieces: u32,
    }
    #[derive(Serialize, Deserialize, JsonSchema)]
    pub enum Way {
        Post,
        Courier { name: String },
    }
    #[derive(Event, Serialize, Deserialize, JsonSchema)]
    pub struct BoxPacked {
        #[tag]
        #[serde(rename = "box")]
        pub boxed: BoxId,
        pub items: Vec<Item>,
        pub way: Way,
        pub at: Option<Timestamp>,
        #[serde(default)]
        pub gift: bool,
    }
    /// One of each kind of thing that a type can be made of.
    #[derive(Event, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub struct BoxOpened {
        #[tag]
        pub box_id: BoxId,
        pub by_shelf: BTreeMap<String, Vec<u8>>,
        pub size: (u32, f64),
        pub first: Option<Item>,
        pub tree: Tree,
        pub found: Found,
        pub either: Either,
        #[serde(flatten)]
        pub place: Place,
    }
    #[derive(Serialize, Deserialize, JsonSchema)]
    pub struct Tree {
        pub inside: Vec<Tree>,
    }
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(tag = "kind")]
    pub enum Found {
        Nothing,
        Things { number: u16 },
    }
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(untagged)]
    pub enum Either {
        Text(String),
        Number(i64),
    }
    #[derive(Serialize, Deserialize, JsonSchema)]
    pub struct Place {
        pub shelf: String,
        pub day: Date,
    }
    pub struct Packed;
    #[aggregate(id = BoxId, on = [BoxPacked, BoxOpened])]
    impl Packed {
        fn made(_: &BoxPacked) -> Self {
            Self
        }
        fn opened(&mut self, _: &BoxOpened) {}
    }
    serves!();
}

/// The same event, with a change inside a type that it is made of.
mod covered_later {
    use super::covered::{BoxId, Label, Way};
    use cqrs_runtime::prelude::*;
    use schemars::JsonSchema;
    #[derive(Serialize, Deserialize, JsonSchema)]
    pub struct Item {
        pub label: Label,
        pub pieces: String,
    }
    #[derive(Event, Serialize, Deserialize, JsonSchema)]
    pub struct BoxPacked {
        #[tag]
        #[serde(rename = "box")]
        pub boxed: BoxId,
        pub items: Vec<Item>,
        pub way: Way,
        pub at: Option<Timestamp>,
        #[serde(default)]
        pub gift: bool,
    }
    pub struct Packed;
    #[aggregate(id = BoxId, on = [BoxPacked])]
    impl Packed {
        fn made(_: &BoxPacked) -> Self {
            Self
        }
    }
    serves!();
}

#[test]
fn an_event_with_a_schema_is_covered_down_to_the_innermost_field() {
    let folder = tempfile::tempdir().unwrap();
    check(folder.path(), "covered", Bless::Additions).unwrap();
    let expected = "
event BoxOpened version 1
  schema: JSON
  tag box_id: box
  field boxId: string (uuid)
  field byShelf: object
  field byShelf{}: array
  field byShelf{}[]: integer (uint8)
  field day: string (date)
  field either: one of
  field either|integer (int64): integer (int64), may be missing
  field either|string: string, may be missing
  field first: object or null, may be missing
  field first.label: string
  field first.pieces: integer (uint32)
  field found: one of
  field found|kind=Nothing: object, may be missing
  field found|kind=Nothing.kind: constant \"Nothing\"
  field found|kind=Things: object, may be missing
  field found|kind=Things.kind: constant \"Things\"
  field found|kind=Things.number: integer (uint16)
  field shelf: string
  field size: array of 2
  field size[0]: integer (uint32)
  field size[1]: number (double)
  field tree: object
  field tree.inside: array
  field tree.inside[]: Tree again

event BoxPacked version 1
  schema: JSON
  tag box: box
  field at: string (date-time) or null, may be missing
  field box: string (uuid)
  field gift: boolean, may be missing
  field items: array
  field items[]: object
  field items[].label: string
  field items[].pieces: integer (uint32)
  field way: one of
  field way|Courier: object without other fields, may be missing
  field way|Courier.Courier: object
  field way|Courier.Courier.name: string
  field way|Post: constant, may be missing
";
    assert_eq!(lock(&folder).split_once("format 1\n").unwrap().1, expected);
    let text = check(folder.path(), "covered_later", Bless::Additions).unwrap_err();
    says(&text, &["`items[].pieces` is string, but was integer (uint32) when events were stored"]);
}

#[test]
fn a_composition_root_is_checked_as_far_as_it_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let verify = || linked(folder.path()).only(["it::startup::capabilities"]).bless(Bless::Additions);
    let text = verify().check().unwrap_err().to_string();
    says(&text, &["[CQRS806] `tick` takes `&mut Tx<Sqlite>", "and `tick_elsewhere` takes `&mut Tx<Elsewhere>"]);
    assert_eq!((text.matches("[CQRS").count(), text.matches("startup.rs:").count()), (1, 2), "{text}");
    let text = verify().builder(App::builder()).check().unwrap_err().to_string();
    says(&text, &["[CQRS806] `tick` takes", "[CQRS803] `tick` takes `State<"]);
    let with_state = App::builder().state(crate::startup::capabilities::Clock);
    let text = verify().builder(with_state).check().unwrap_err().to_string();
    assert!(!text.contains("[CQRS803]"), "{text}");
    let with_log = App::builder().log(crate::startup::capabilities::Bare(cqrs_runtime::log::MemoryLog::new()));
    let text = verify().builder(with_log).check().unwrap_err().to_string();
    says(&text, &["the log is a bare log", "a bare log stores no views"]);
}

#[test]
fn a_program_that_holds_nothing_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let text = check(folder.path(), "nowhere", Bless::No).unwrap_err();
    says(&text, &["`.only_modules(..)` names `it::verify::nowhere`", "use that_crate as _;"]);
}

/// The committed one, unless a test runs the macro on another.
fn lock_of_the_macro() -> std::ffi::OsString {
    std::env::var_os("VERIFIED_LOCK").unwrap_or_else(|| "it/verify.lock".into())
}

/// The macro itself, where a user's lints and preludes may be against it.
#[deny(missing_docs, warnings, unused_qualifications)]
#[no_implicit_prelude]
mod strict {
    ::cqrs_runtime::verify!(
        only = ["it::verify::first"],
        accept = ["ParcelSent", "ParcelLost"],
        lock = super::lock_of_the_macro(),
    );
}

#[test]
fn the_environment_blesses() {
    let folder = tempfile::tempdir().unwrap();
    let run = |environment: &[(&str, &str)]| {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "verify::strict::what_is_linked_fits_together_and_stored_events_can_be_read"]);
        again.env_remove("CQRS_BLESS").env_remove("CQRS_BLESS_LOSS").envs(environment.iter().copied());
        let ran = again.env("VERIFIED_LOCK", folder.path().join("events.lock")).output().unwrap();
        let text = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(text.contains("running 1 test"), "{text}");
        (ran.status.success(), text)
    };
    let (passed, text) = run(&[]);
    assert!(!passed);
    says(&text, &["the linked program has a fault:\n- [CQRS805] "]);
    assert!(!run(&[("CQRS_BLESS", "0")]).0);
    assert!(run(&[("CQRS_BLESS", "1")]).0);
    assert!(run(&[]).0);
    let other = lock(&folder).replace("field to: String", "field to: Address").replace("ParcelLost", "ParcelFound");
    fs::write(folder.path().join("events.lock"), other).unwrap();
    assert!(!run(&[("CQRS_BLESS", "1")]).0);
    assert!(!run(&[("CQRS_BLESS_LOSS", "ParcelSent")]).0);
    assert!(run(&[("CQRS_BLESS_LOSS", "ParcelSent, ParcelFound")]).0);
    assert!(run(&[]).0);
}
