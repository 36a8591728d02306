//! What has changed since `events.lock` was written, and how that affects stored events.

use std::collections::{BTreeMap, BTreeSet};

use super::field::Field;
use super::lock::{Lock, Shape};

/// The changes of one version of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The event's name.
    pub(super) event: String,
    /// The version.
    pub(super) version: u32,
    /// What stored events lose, one sentence each.
    pub(super) losses: Vec<String>,
    /// What is new and harmless for stored events, one sentence each.
    pub(super) additions: Vec<String>,
}

/// Compares the lock file with the linked events.
pub(super) fn compare(locked: &Lock, linked: &Lock) -> Vec<Change> {
    let mut changes: BTreeMap<&(String, u32), Change> = BTreeMap::new();
    for (key, now) in &linked.events {
        let mut change = Change { event: key.0.clone(), version: key.1, losses: Vec::new(), additions: Vec::new() };
        match locked.events.get(key) {
            Some(before) => shapes(before, now, &mut change),
            None => change.additions.push(new_event(key, locked)),
        }
        changes.insert(key, change);
    }
    for (key, before) in &locked.events {
        if !linked.events.contains_key(key) {
            let losses = vec![gone(key, before, locked, linked)];
            changes.insert(key, Change { event: key.0.clone(), version: key.1, losses, additions: Vec::new() });
        }
    }
    changes.into_values().filter(|change| !change.losses.is_empty() || !change.additions.is_empty()).collect()
}

fn new_event((name, version): &(String, u32), locked: &Lock) -> String {
    if locked.events.keys().any(|(known, _)| known == name) {
        format!("version {version} is new")
    } else {
        "it is a new event".to_owned()
    }
}

fn gone(key: &(String, u32), before: &Shape, locked: &Lock, linked: &Lock) -> String {
    let new = linked.events.iter().filter(|(key, _)| !locked.events.contains_key(*key));
    // Events without fields all look alike.
    let renamed = new.filter(|((name, _), shape)| *name != key.0 && *shape == before && !before.fields.is_empty());
    let renamed = renamed.map(|((name, _), _)| format!("; `{name}` is new and has the same fields: was it renamed?"));
    format!("it is no longer linked: its stored events could not be read{}", renamed.take(1).collect::<String>())
}

fn shapes(before: &Shape, now: &Shape, change: &mut Change) {
    // Between a schema and source types only the field names at the top can be compared.
    let comparable = before.is_schema == now.is_schema;
    if !comparable {
        change.additions.push(if now.is_schema {
            "it now has a JSON schema".to_owned()
        } else {
            "its JSON schema is gone: the feature `schema` of cqrs-runtime is off, or it no longer derives `JsonSchema`"
                .to_owned()
        });
    } else if before.serde != now.serde {
        change.losses.push(format!(
            "`#[serde(..)]` on it is `{}`, but stored events were written with `{}`",
            now.serde, before.serde
        ));
    }
    tags(before, now, change);
    if comparable {
        fields(&before.fields, &now.fields, true, change);
    } else if let (Some(before), Some(now)) = (before.names(), now.names()) {
        fields(&before, &now, false, change);
    }
}

impl Shape {
    /// The fields at the top, if their names are the same in the source and in a schema.
    fn names(&self) -> Option<BTreeMap<String, Field>> {
        let renamed = |field: &Field| !self.is_schema && field.kind.contains(" by serde(");
        if !self.serde.is_empty() || self.fields.values().any(renamed) {
            return None;
        }
        // The fields of a tuple have numbers in the source.
        let is_name = |path: &str| !path.contains(['.', '|', '[', '{']) && path.parse::<u32>().is_err();
        let fields = self.fields.iter().filter(|(path, _)| is_name(path));
        Some(fields.map(|(path, field)| (path.clone(), field.clone())).collect())
    }
}

fn tags(before: &Shape, now: &Shape, change: &mut Change) {
    for (field, prefix) in before.tags.difference(&now.tags) {
        change.losses.push(format!(
            "tag `{field}` with prefix `{prefix}` is gone: a search for it finds stored events, but no new ones"
        ));
    }
    for (field, prefix) in now.tags.difference(&before.tags) {
        // A stored event without the field could not have had the tag.
        if before.fields.contains_key(field) || !now.fields.get(field).is_some_and(|field| field.optional) {
            change.losses.push(format!(
                "tag `{field}` with prefix `{prefix}` is new: stored events do not carry it and are not found by it"
            ));
        } else {
            change.additions.push(format!("tag `{field}` with prefix `{prefix}` is new"));
        }
    }
}

fn fields(before: &BTreeMap<String, Field>, now: &BTreeMap<String, Field>, comparable: bool, change: &mut Change) {
    let mut reported: Vec<&str> = Vec::new();
    let paths: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    for path in paths {
        // A change includes everything inside.
        if reported.iter().any(|outer| is_inside(path, outer)) {
            continue;
        }
        match (before.get(path), now.get(path)) {
            (Some(was), Some(is)) => {
                let same = !comparable || was.kind == is.kind;
                if !same && !widened(&was.kind, &is.kind) {
                    change
                        .losses
                        .push(format!("`{path}` is {}, but was {} when events were stored", is.kind, was.kind));
                    reported.push(path);
                } else if was.optional && !is.optional {
                    change.losses.push(format!("`{path}` is required, but stored events may lack it"));
                } else if !same {
                    change.additions.push(format!("`{path}` is {}, was {}", is.kind, was.kind));
                } else if !was.optional && is.optional {
                    change.additions.push(format!("`{path}` may be missing"));
                }
            }
            (Some(_), None) => {
                change.losses.push(format!("`{path}` is gone: its values in stored events would be lost"));
                reported.push(path);
            }
            (None, Some(is)) if is.optional => {
                change.additions.push(format!("`{path}` is new, and may be missing"));
                reported.push(path);
            }
            (None, Some(_)) => {
                change.losses.push(format!("`{path}` is new and stored events lack it: they could not be read"));
                reported.push(path);
            }
            (None, None) => {}
        }
    }
}

fn is_inside(path: &str, outer: &str) -> bool {
    // If the root is not a plain object, it contains everything.
    outer == "." || path.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['.', '|', '[', '{']))
}

/// Whether every value of the first type can be read as the second, or both are the same type.
fn widened(was: &str, is: &str) -> bool {
    if let (Some((was_signed, was_bits)), Some((signed, bits))) = (whole_number(was), whole_number(is)) {
        return (was_signed == signed && bits >= was_bits) || (signed && bits > was_bits);
    }
    unqualified(was) == unqualified(is) || optional(was, is)
}

/// Whether the second type is the first or null.
fn optional(was: &str, is: &str) -> bool {
    is.strip_suffix(" or null") == Some(was)
        || is.strip_prefix("Option<").and_then(|rest| rest.strip_suffix('>')) == Some(was)
}

/// Whether an integer type is signed, and its bits: `u32` in the source, `integer (uint32)` in a schema.
fn whole_number(kind: &str) -> Option<(bool, u32)> {
    let name = kind.strip_prefix("integer (").and_then(|format| format.strip_suffix(')')).unwrap_or(kind);
    let (signed, bits) = match name.strip_prefix("uint").or_else(|| name.strip_prefix('u')) {
        Some(bits) => (false, bits),
        None => (true, name.strip_prefix("int").or_else(|| name.strip_prefix('i'))?),
    };
    Some((signed, bits.parse().ok()?))
}

/// A type as the source writes it, without paths, which change with imports.
fn unqualified(kind: &str) -> String {
    let mut short = String::new();
    for part in kind.split("::") {
        let path = short.trim_end_matches(|letter: char| letter.is_alphanumeric() || letter == '_').len();
        short.truncate(path);
        short.push_str(part);
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses `Name 2 tag:prefix field=kind field?=kind` for each event, with `!` for a schema.
    fn lock(events: &[&str]) -> Lock {
        let mut lock = Lock::default();
        for event in events {
            let mut words = event.split(' ');
            let name = words.next().unwrap().to_owned();
            let version = words.next().unwrap().parse().unwrap();
            let mut shape = Shape::default();
            for word in words {
                if word == "!" {
                    shape.is_schema = true;
                } else if let Some(serde) = word.strip_prefix('#') {
                    shape.serde = serde.to_owned();
                } else if let Some((field, kind)) = word.split_once('=') {
                    let optional = field.ends_with('?');
                    let kind = kind.replace('_', " ");
                    shape.fields.insert(field.trim_end_matches('?').to_owned(), Field { kind, optional });
                } else {
                    let (field, prefix) = word.split_once(':').unwrap();
                    shape.tags.insert((field.to_owned(), prefix.to_owned()));
                }
            }
            lock.events.insert((name, version), shape);
        }
        lock
    }

    #[derive(Debug, PartialEq)]
    enum Verdict {
        Same,
        Adds,
        Loses,
    }
    use Verdict::{Adds, Loses, Same};

    /// A name, the events before and after, the verdict, and part of the message.
    type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], Verdict, &'a str);

    #[test]
    fn each_change_has_its_verdict() {
        let table: &[Case<'_>] = &[
            ("nothing", &["A 1 x=u32"], &["A 1 x=u32"], Same, ""),
            ("a new event", &["A 1"], &["A 1", "B 1"], Adds, "a new event"),
            ("a new version", &["A 1 x=u32"], &["A 1 x=u32", "A 2 y=u32"], Adds, "version 2 is new"),
            ("an event gone", &["A 1", "B 1"], &["A 1"], Loses, "no longer linked"),
            ("a version gone", &["A 1", "A 2"], &["A 2"], Loses, "no longer linked"),
            ("an event renamed", &["A 1 x=u32"], &["B 1 x=u32"], Loses, "`B` is new and has the same fields"),
            ("a field gone", &["A 1 x=u32 y=u32"], &["A 1 x=u32"], Loses, "`y` is gone"),
            ("an optional field gone", &["A 1 y?=u32"], &["A 1"], Loses, "`y` is gone"),
            ("another type", &["A 1 x=u32"], &["A 1 x=String"], Loses, "`x` is String, but was u32"),
            ("a new field", &["A 1"], &["A 1 x=u32"], Loses, "stored events lack it"),
            ("a new field with a default", &["A 1"], &["A 1 x?=u32"], Adds, "`x` is new, and may be missing"),
            ("a default", &["A 1 x=u32"], &["A 1 x?=u32"], Adds, "`x` may be missing"),
            ("no default any more", &["A 1 x?=u32"], &["A 1 x=u32"], Loses, "is required"),
            ("an option", &["A 1 x=u32"], &["A 1 x?=Option<u32>"], Adds, "`x` is Option<u32>"),
            ("no option any more", &["A 1 x?=Option<u32>"], &["A 1 x=u32"], Loses, "`x` is u32, but was Option<u32>"),
            ("null", &["A 1 ! x=string"], &["A 1 ! x=string_or_null"], Adds, "string or null"),
            ("no null any more", &["A 1 ! x=string_or_null"], &["A 1 ! x=string"], Loses, "was string or null"),
            ("a tag gone", &["A 1 x:a x=Id"], &["A 1 x=Id"], Loses, "tag `x`"),
            ("a tag of another prefix", &["A 1 x:a x=Id"], &["A 1 x:b x=Id"], Loses, "prefix `b` is new"),
            ("a tag on an old field", &["A 1 x=Id"], &["A 1 x:a x=Id"], Loses, "do not carry it"),
            ("a tag on a new optional field", &["A 1"], &["A 1 x:a x?=Option<Id>"], Adds, "tag `x`"),
            ("a wider number", &["A 1 x=u32"], &["A 1 x=u64"], Adds, "`x` is u64, was u32"),
            ("a sign and room for it", &["A 1 ! x=integer_(uint32)"], &["A 1 ! x=integer_(int64)"], Adds, "int64"),
            ("a narrower number", &["A 1 x=u32"], &["A 1 x=u16"], Loses, "`x` is u16"),
            ("a sign without room", &["A 1 x=u32"], &["A 1 x=i32"], Loses, "`x` is i32"),
            ("no sign", &["A 1 x=i32"], &["A 1 x=u64"], Loses, "`x` is u64"),
            ("a float", &["A 1 x=u32"], &["A 1 x=f64"], Loses, "`x` is f64"),
            ("another import", &["A 1 x=Vec<a::Id>"], &["A 1 x=Vec<crate::b::Id>"], Adds, "`x` is Vec<crate::b::Id>"),
            ("another type elsewhere", &["A 1 x=a::Id"], &["A 1 x=a::Key"], Loses, "`x` is a::Key"),
            ("serde on the type", &["A 1 #a x=u32"], &["A 1 #b x=u32"], Loses, "is `b`"),
            (
                "a new variant",
                &["A 1 ! s=one_of s|X?=constant"],
                &["A 1 ! s=one_of s|X?=constant s|Y?=constant"],
                Adds,
                "s|Y",
            ),
            ("a variant gone", &["A 1 ! s=one_of s|X?=constant"], &["A 1 ! s=one_of"], Loses, "`s|X` is gone"),
            ("a new optional struct", &["A 1 !"], &["A 1 ! to?=object to.n=string"], Adds, "`to` is new"),
            (
                "a field of an inner struct",
                &["A 1 ! l[]=object"],
                &["A 1 ! l[]=object l[].n=string"],
                Loses,
                "`l[].n` is new",
            ),
            (
                "a schema",
                &["A 1 l=Vec<Line>"],
                &["A 1 ! l=array l[]=object l[].n=string"],
                Adds,
                "now has a JSON schema",
            ),
            (
                "no schema any more",
                &["A 1 ! l=array l[]=object"],
                &["A 1 l=Vec<Line>"],
                Adds,
                "its JSON schema is gone",
            ),
            (
                "a schema of a tuple",
                &["A 1 0=u32 1=u32"],
                &["A 1 ! .=array [0]=integer [1]=integer"],
                Adds,
                "JSON schema",
            ),
            ("a schema of renamed fields", &["A 1 #rename_all x_y=u32"], &["A 1 ! xY=integer"], Adds, "JSON schema"),
            ("a schema of flat fields", &["A 1 x=X_by_serde(flatten)"], &["A 1 ! y=integer"], Adds, "JSON schema"),
            ("a schema, and a field gone", &["A 1 l=Vec<Line> x=u32"], &["A 1 ! l=array"], Loses, "`x` is gone"),
        ];
        for (case, before, now, verdict, says) in table {
            let changes = compare(&lock(before), &lock(now));
            let found = match &changes[..] {
                [] => Same,
                changes if changes.iter().any(|change| !change.losses.is_empty()) => Loses,
                _ => Adds,
            };
            assert_eq!(found, *verdict, "{case}: {changes:?}");
            let all = changes.iter().flat_map(|change| change.losses.iter().chain(&change.additions));
            assert!(all.cloned().collect::<Vec<_>>().join("; ").contains(says), "{case}: {changes:?}");
        }
    }

    #[test]
    fn what_is_inside_a_change_is_not_told_again() {
        let before = lock(&["A 1 ! a=object a.x=string a.y=string ab=string"]);
        let changes = compare(&before, &lock(&["A 1 ! ab=string"]));
        assert_eq!(changes[0].losses.len(), 1, "{changes:?}");
        let changes = compare(&before, &lock(&["A 1 !"]));
        assert_eq!(changes[0].losses.len(), 2, "`ab` is not inside `a`: {changes:?}");
    }
}
