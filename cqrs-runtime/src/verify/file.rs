//! 805: compares the lock file with the program, and writes it if allowed.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use super::Bless;
use super::compare::{Change, compare};
use super::lock::{Lock, Shape};
use crate::app::Fault;
use crate::registry::EventInfo;
use crate::registry::table::Placed;

/// The faults of the lock file. Writes the file if `bless` accepts every change.
pub(super) fn check(
    path: &Path,
    events: &[Placed<EventInfo>],
    retired: &BTreeSet<String>,
    bless: &Bless,
) -> Vec<Fault> {
    let shape = |event: &Placed<EventInfo>| ((event.name.to_owned(), event.version), Shape::of(event));
    let linked = Lock { events: events.iter().map(shape).collect() };
    let locked = match read(path, bless, events.is_empty()) {
        Ok(locked) => locked,
        Err(fault) => return vec![fault],
    };
    let mut changes = compare(&locked, &linked);
    for change in &mut changes {
        // If an event is still linked, no version of it is retired: `App::build` refuses that.
        if retired.contains(&change.event) && !events.iter().any(|event| event.name == change.event) {
            change.losses.clear();
            change.additions = vec!["it is retired".to_owned()];
        }
    }
    if changes.is_empty() {
        return Vec::new();
    }
    if changes.iter().all(|change| bless.takes(change)) {
        return match write(path, &linked.to_string()) {
            Ok(()) => {
                eprintln!("{} written; commit it", path.display());
                Vec::new()
            }
            Err(error) => vec![unusable("written", path, &error)],
        };
    }
    let lost = changes.iter().filter(|change| !change.losses.is_empty());
    let mut faults: Vec<Fault> = lost.map(|change| loss(change, &locked, events, path)).collect();
    let added: Vec<&Change> = changes.iter().filter(|change| !change.additions.is_empty()).collect();
    if !added.is_empty() {
        faults.push(additions(&added, events, path));
    }
    faults
}

fn read(path: &Path, bless: &Bless, without_events: bool) -> Result<Lock, Fault> {
    match std::fs::read_to_string(path) {
        Ok(text) => Lock::parse(&text).map_err(|(line, what)| {
            Fault::new(
                format!("[CQRS805] {}:{line} cannot be read: {what}", path.display()),
                &[],
                "fix it, or restore it from version control; it is not written again, because it records what stored events look like",
            )
        }),
        // Without a file nothing can be lost.
        Err(error) if error.kind() == ErrorKind::NotFound => match bless {
            Bless::No if !without_events => Err(Fault::new(
                format!("[CQRS805] {} is missing; it records what stored events look like", path.display()),
                &[],
                "write it, and commit it:\n    CQRS_BLESS=1 cargo test",
            )),
            _ => Ok(Lock::default()),
        },
        Err(error) => Err(unusable("read", path, &error)),
    }
}

/// Writes the file atomically: half a file could not be read.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let shadow = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&shadow, text)?;
    std::fs::rename(&shadow, path)
}

fn unusable(what: &str, path: &Path, error: &std::io::Error) -> Fault {
    let instead = "allow the test to read and write it, or use another file: `verify!(lock = \"..\")`";
    Fault::new(format!("[CQRS805] {} cannot be {what}: {error}", path.display()), &[], instead)
}

/// The linked type of this change's event and version, or of another version.
fn of<'a>(change: &Change, events: &'a [Placed<EventInfo>]) -> Option<&'a Placed<EventInfo>> {
    let mut named = events.iter().filter(|event| event.name == change.event);
    named.clone().find(|event| event.version == change.version).or_else(|| named.next())
}

fn loss(change: &Change, locked: &Lock, events: &[Placed<EventInfo>], path: &Path) -> Fault {
    let Change { event, version, losses, .. } = change;
    let what = format!(
        "[CQRS805] event `{event}` version {version} does not match stored events, as {} records them:\n  {}",
        path.display(),
        losses.join("\n  ")
    );
    let party = of(change, events);
    let type_name = party.map_or(event.as_str(), |party| (party.type_name)());
    let type_name = type_name.rsplit("::").next().unwrap_or(type_name);
    let base = type_name.strip_suffix(&format!("V{version}")).unwrap_or(type_name);
    let old = format!("{base}V{version}");
    let before = locked.events.get(&(event.clone(), *version)).map(|before| before.source(&old)).unwrap_or_default();
    let came_from = match version {
        1 => String::new(),
        _ => format!(", version = {version}, from = {base}V{}", version - 1),
    };
    let as_it_was =
        format!("#[derive(Event, Serialize, Deserialize)]\n    #[cqrs(name = \"{event}\"{came_from})]\n    {before}");
    let next = version + 1;
    let instead = if party.is_some_and(|party| party.version == *version) {
        format!(
            "keep the old type, and make the current one version {next}:\n    \
             {as_it_was}\n    \
             #[derive(Event, Serialize, Deserialize)]\n    \
             #[cqrs(name = \"{event}\", version = {next}, from = {old})]\n    \
             pub struct {base} {{ .. }}\n    \
             impl From<{old}> for {base} {{ .. }}\n\
             make a new field that old events can lack an `Option`, or give it `#[serde(default)]`; keep the stored name of a \
             renamed field with `#[serde(rename = \"..\")]`"
        )
    } else {
        format!(
            "restore the type, under its name in the log:\n    {as_it_was}\n\
             or link the crate that has it: `use that_crate as _;`"
        )
    };
    let last = format!("\nonly if no log holds such an event: CQRS_BLESS=1 CQRS_BLESS_LOSS={event} cargo test");
    let parties: Vec<_> = party.iter().map(|party| party.registration).collect();
    Fault::new(what, &parties, instead + &last)
}

fn additions(changes: &[&Change], events: &[Placed<EventInfo>], path: &Path) -> Fault {
    let line = |change: &&Change| {
        let Change { event, version, additions, .. } = change;
        format!("`{event}` version {version}: {}", additions.join("; "))
    };
    let lines: Vec<_> = changes.iter().map(line).collect();
    let what = format!("[CQRS805] {} does not contain yet:\n  {}", path.display(), lines.join("\n  "));
    let parties: Vec<_> =
        changes.iter().filter_map(|change| of(change, events)).map(|party| party.registration).collect();
    let instead = "stored events lose nothing; write the file, and commit it:\n    CQRS_BLESS=1 cargo test";
    Fault::new(what, &parties, instead)
}
