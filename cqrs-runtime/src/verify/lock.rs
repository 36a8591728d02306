//! `events.lock`: its content and format.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use super::field::Field;
use super::schema;
use crate::registry::EventInfo;

/// The comment at the top of the file, for readers of a diff.
const HEADER: &str = "\
# What the log may hold: every event's name and version, its tags and its fields. Commit this file.
#
# Stored events are never rewritten, so every later program must be able to read them. The test that
# `cqrs_runtime::verify!()` makes compares this file with the events of the program. Additions are written here by
#     CQRS_BLESS=1 cargo test
# What stored events would lose is refused: give the event a new version. Written by the test, not by hand;
# the documentation of `cqrs_runtime::verify` tells the rest.
format 1
";

const WRITTEN: &str = "not covered, the fields as the source writes them";
const JSON: &str = "JSON";
const MAY_BE_MISSING: &str = ", may be missing";

/// The events of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lock {
    /// By name and version.
    pub(super) events: BTreeMap<(String, u32), Shape>,
}

/// The stored form of one version of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Whether the fields come from a JSON schema, down to the innermost, or only from the source.
    pub(super) is_schema: bool,
    /// The type's `#[serde(..)]` attribute.
    pub(super) serde: String,
    /// The prefix of each tag field.
    pub(super) tags: BTreeSet<(String, String)>,
    /// By path: `lines[].price`.
    pub(super) fields: BTreeMap<String, Field>,
}

impl Shape {
    /// The shape of a linked event.
    pub(super) fn of(event: &EventInfo) -> Self {
        let tags = event.tags.iter().map(|tag| (tag.field.to_owned(), tag.prefix.to_owned())).collect();
        if let Some(schema) = event.schema {
            return Self { is_schema: true, serde: String::new(), tags, fields: schema::fields(&schema()) };
        }
        let field = |field: &crate::registry::FieldInfo| {
            let serde = if field.serde.is_empty() { String::new() } else { format!(" by serde({})", field.serde) };
            let kind = format!("{}{serde}", field.type_written);
            (schema::name(field.name), Field { kind, optional: field.optional })
        };
        Self { is_schema: false, serde: event.serde.to_owned(), tags, fields: event.fields.iter().map(field).collect() }
    }
}

/// The file's text, which [`Lock::parse`] reads.
impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        for ((name, version), shape) in &self.events {
            writeln!(f, "\nevent {} version {version}", schema::name(name))?;
            writeln!(f, "  schema: {}", if shape.is_schema { JSON } else { WRITTEN })?;
            if !shape.serde.is_empty() {
                writeln!(f, "  serde: {}", one_line(&shape.serde))?;
            }
            for (field, prefix) in &shape.tags {
                writeln!(f, "  tag {}: {}", schema::name(field), one_line(prefix))?;
            }
            for (path, Field { kind, optional }) in &shape.fields {
                writeln!(f, "  field {path}: {}{}", one_line(kind), if *optional { MAY_BE_MISSING } else { "" })?;
            }
        }
        Ok(())
    }
}

/// A value must fit on one line.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

impl Lock {
    /// Parses the file's text.
    ///
    /// # Errors
    /// The number of the first invalid line, and what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut lock = Self::default();
        let mut current: Option<(String, u32)> = None;
        let mut format = None;
        for (line, number) in text.lines().map(str::trim_end).zip(1..) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let refuse = |what: &str| Err((number, format!("{what}: `{line}`")));
            if let Some(found) = line.strip_prefix("format ") {
                if found != "1" {
                    return refuse("a newer cqrs-runtime wrote this format");
                }
                format = Some(());
            } else if let Some(event) = line.strip_prefix("event ") {
                let parsed = event
                    .rsplit_once(" version ")
                    .and_then(|(name, version)| Some((schema::unquoted(name)?, version.parse().ok()?)));
                let Some(key) = parsed else { return refuse("not a name and version of an event") };
                if lock.events.insert(key.clone(), Shape::default()).is_some() {
                    return refuse("an event that is listed twice");
                }
                current = Some(key);
            } else {
                let shape = current.as_ref().and_then(|key| lock.events.get_mut(key));
                let read = shape.and_then(|shape| shape.read(line.strip_prefix("  ")?));
                if read.is_none() {
                    return refuse("not a part of an event");
                }
            }
        }
        if format.is_none() {
            return Err((1, "the line `format 1` is missing: this is not an events.lock".to_owned()));
        }
        Ok(lock)
    }
}

impl Shape {
    fn read(&mut self, line: &str) -> Option<()> {
        if let Some(schema) = line.strip_prefix("schema: ") {
            self.is_schema = match schema {
                JSON => true,
                WRITTEN => false,
                _ => return None,
            };
        } else if let Some(serde) = line.strip_prefix("serde: ") {
            serde.clone_into(&mut self.serde);
        } else if let Some(tag) = line.strip_prefix("tag ") {
            let (field, prefix) = schema::split(tag)?;
            self.tags.insert((schema::unquoted(field)?, prefix.to_owned()));
        } else {
            let (path, kind) = schema::split(line.strip_prefix("field ")?)?;
            let optional = kind.ends_with(MAY_BE_MISSING);
            let kind = kind.strip_suffix(MAY_BE_MISSING).unwrap_or(kind).to_owned();
            if self.fields.insert(path.to_owned(), Field { kind, optional }).is_some() {
                return None;
            }
        }
        Some(())
    }

    /// The old type as Rust source, as far as the lock file knows it.
    pub(super) fn source(&self, name: &str) -> String {
        if self.is_schema {
            return format!("pub struct {name} {{ /* its fields, as they were */ }}");
        }
        let mut source = format!("pub struct {name} {{ ");
        for (path, field) in &self.fields {
            let tag = if self.tags.iter().any(|(tagged, _)| tagged == path) { "#[tag] " } else { "" };
            let kind = field.kind.split(" by serde(").next().unwrap_or_default();
            let _ = write!(source, "{tag}{path}: {kind}, ");
        }
        source + "}"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: &str, optional: bool) -> Field {
        Field { kind: kind.into(), optional }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let written = Shape {
            is_schema: false,
            serde: "rename_all=\"camelCase\"".into(),
            tags: [("order".to_owned(), "order".to_owned())].into(),
            fields: [
                ("order".to_owned(), field("OrderId", false)),
                (schema::name("a: \"b\""), field("Vec<(A, B)> by serde(with=\"x\")", true)),
            ]
            .into(),
        };
        let json = Shape {
            is_schema: true,
            fields: [("lines[].x".to_owned(), field("string", false))].into(),
            ..Shape::default()
        };
        let events = [
            (("Odd name\nversion 2".to_owned(), 1), written.clone()),
            (("Plain".to_owned(), 12), json),
            (("Plain".to_owned(), 2), written),
        ];
        let lock = Lock { events: events.into() };
        assert_eq!(Lock::parse(&lock.to_string()), Ok(lock.clone()), "{lock}");
        assert!(lock.to_string().find("version 2\n") < lock.to_string().find("version 12"), "versions are numbers");
    }

    #[test]
    fn what_is_no_lock_is_refused_with_its_line() {
        let with = |line: &str| Lock::parse(&format!("format 1\nevent A version 1\n{line}\n")).unwrap_err();
        for line in ["<<<<<<< HEAD", "  field a", "  schema: XML", "event A version 1", "event A version x", "format 2"]
        {
            let (number, what) = with(line);
            assert_eq!(number, 3, "{line}");
            assert!(what.contains(line.trim()), "{what}");
        }
        assert!(Lock::parse("event A version 1\n").is_err());
        assert!(Lock::parse("format 1\n  field a: u32\n").is_err());
    }
}
