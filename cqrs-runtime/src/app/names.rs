//! 808: reports names that the log holds and this program does not know, and refuses to start if this program has dropped them.
//!
//! Each set of new names that a program declares gets the next generation, counted in the log: no clock decides which of two programs
//! is newer. A program is as new as the newest name that it knows. It must know every older name that the log holds. A name that is
//! newer belongs to a newer program, and this one may run next to that (in a rolling deployment, or after a rollback).
//!
//! An event or a tag that no program has ever declared was written by something else. It concerns this program if it is about an
//! entity of this program, or if this program knows the event that carries the tag.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::fault::{BuildError, Fault};
use crate::registry::Registration;
use crate::registry::table::Table;
use cqrs_core::log::{Declaration, DeclaredName, EventLog, EventQuery, NameKind, NameRegister, StoredNames};
use cqrs_core::position::Position;
use cqrs_core::store_error::StoreError;
use cqrs_core::time::Timestamp;

/// Names that the builder says this program need not know.
#[derive(Clone, Debug, Default)]
pub(crate) struct AcceptedNames {
    /// No program needs them any more.
    pub(crate) retired: BTreeSet<String>,
    /// Another program serves them.
    pub(crate) elsewhere: BTreeSet<String>,
}

impl AcceptedNames {
    fn has(&self, name: &str) -> bool {
        self.retired.contains(name) || self.elsewhere.contains(name)
    }

    /// Finds names that are said to be unknown, although this program has them.
    pub(super) fn check(&self, table: &Table, faults: &mut Vec<Fault>) {
        let own = Own::of(table);
        let said = self
            .retired
            .iter()
            .map(|name| (name, "retired"))
            .chain(self.elsewhere.iter().map(|name| (name, "served_elsewhere")));
        for (name, option) in said {
            for ((kind, _), registration) in own.names.iter().filter(|((_, own), _)| own == name) {
                faults.push(Fault::new(
                    format!("[CQRS808] `.{option}(..)` names {} `{name}`, but this program has it", kind.as_str()),
                    &[registration],
                    "remove it from the list",
                ));
            }
        }
    }
}

/// A name that the log holds and this program does not know.
struct Unknown {
    kind: NameKind,
    name: String,
    declared: Option<DeclaredName>,
    /// What the log holds of it.
    found: String,
    /// The prefixes of the tags that its first event carries.
    prefixes: BTreeSet<String>,
    refused: bool,
}

/// The names of this program.
struct Own {
    names: BTreeMap<(NameKind, &'static str), &'static Registration>,
}

impl Own {
    fn of(table: &Table) -> Self {
        let mut names = BTreeMap::new();
        let mut add = |kind, name, registration| {
            names.entry((kind, name)).or_insert(registration);
        };
        for event in &table.events {
            add(NameKind::Event, event.name, event.registration);
            event.tags.iter().for_each(|tag| add(NameKind::TagPrefix, tag.prefix, event.registration));
        }
        for aggregate in &table.aggregates {
            add(NameKind::TagPrefix, aggregate.prefix, aggregate.registration);
        }
        for policy in &table.policies {
            add(NameKind::Policy, policy.name, policy.registration);
        }
        Self { names }
    }

    fn has(&self, kind: NameKind, name: &str) -> bool {
        self.names.keys().any(|&(own_kind, own)| own_kind == kind && own == name)
    }
}

/// Compares the log's names with the program's: refuses lost names, declares new ones, and returns those of other programs.
pub(super) async fn check(
    log: &dyn EventLog,
    table: &Table,
    accepted: &AcceptedNames,
) -> Result<Vec<String>, BuildError> {
    let Some(register) = log.names() else { return Ok(Vec::new()) };
    let own = Own::of(table);
    let (stored, declared) = (register.stored().await?, register.declared().await?);
    let generation = generation(&own, &declared);
    let mut unknown = unknown_events(log, &own, &stored, &declared).await?;
    unknown.extend(unknown_prefixes(log, &own, &stored, &declared).await?);
    unknown.extend(unknown_policies(table, &own, &declared));
    unknown.retain(|one| !accepted.has(&one.name));
    for one in &mut unknown {
        if let Some(declared) = &one.declared {
            one.refused = declared.generation <= generation;
        }
    }
    let faults: Vec<Fault> =
        unknown.iter().filter(|one| one.refused).map(|one| one.fault(table, &own, &stored, &declared)).collect();
    if !faults.is_empty() {
        return Err(BuildError::Faults(faults));
    }
    declare(&*register, table, &own, &declared).await?;
    for one in &unknown {
        tracing::warn!(
            kind = one.kind.as_str(),
            name = one.name,
            "the log holds a name that this program does not know"
        );
    }
    let newer = unknown.iter().filter(|one| one.declared.is_some());
    Ok(newer.map(|one| format!("{} `{}`, which {}", one.kind.as_str(), one.name, one.declared_by())).collect())
}

/// How new this program is. With an undeclared name it is newer than all others.
fn generation(own: &Own, declared: &[DeclaredName]) -> u64 {
    let of = |kind: NameKind, name: &str| {
        let known = declared.iter().find(|known| is(known, kind, name));
        known.map_or(u64::MAX, |known| known.generation)
    };
    own.names.keys().map(|&(kind, name)| of(kind, name)).max().unwrap_or(0)
}

fn is(known: &DeclaredName, kind: NameKind, name: &str) -> bool {
    (known.declaration.kind, &*known.declaration.name) == (kind, name)
}

fn find(declared: &[DeclaredName], kind: NameKind, name: &str) -> Option<DeclaredName> {
    declared.iter().find(|known| is(known, kind, name)).cloned()
}

async fn unknown_events(
    log: &dyn EventLog,
    own: &Own,
    stored: &StoredNames,
    declared: &[DeclaredName],
) -> Result<Vec<Unknown>, StoreError> {
    let mut unknown = Vec::new();
    for name in stored.events.iter().filter(|name| !own.has(NameKind::Event, name)) {
        let item = cqrs_core::log::QueryItem { names: vec![name.clone().into()], tags: Vec::new() };
        let Some(first) = log.read(&EventQuery { items: vec![item] }, Position::START, 1).await?.events.pop() else {
            continue;
        };
        let prefixes: BTreeSet<String> = first.tags().iter().map(|tag| tag.prefix().to_owned()).collect();
        unknown.push(Unknown {
            kind: NameKind::Event,
            name: name.clone(),
            declared: find(declared, NameKind::Event, name),
            found: format!("the log holds events `{name}`, the first at position {}", first.position()),
            refused: prefixes.iter().any(|prefix| own.has(NameKind::TagPrefix, prefix)),
            prefixes,
        });
    }
    Ok(unknown)
}

async fn unknown_prefixes(
    log: &dyn EventLog,
    own: &Own,
    stored: &StoredNames,
    declared: &[DeclaredName],
) -> Result<Vec<Unknown>, StoreError> {
    let mut unknown = Vec::new();
    for tag in stored.tags.iter().filter(|tag| !own.has(NameKind::TagPrefix, tag.prefix())) {
        let first = log.read(&EventQuery::tagged(tag.clone()), Position::START, 1).await?.events.pop();
        let Some(first) = first else { continue };
        unknown.push(Unknown {
            kind: NameKind::TagPrefix,
            name: tag.prefix().to_owned(),
            declared: find(declared, NameKind::TagPrefix, tag.prefix()),
            found: format!(
                "the log holds tags `{}:..`, one of them at position {} ({})",
                tag.prefix(),
                first.position(),
                first.name()
            ),
            prefixes: BTreeSet::new(),
            refused: own.has(NameKind::Event, first.name()),
        });
    }
    Ok(unknown)
}

/// Policies of the log that this program does not know. A program without policies leaves all of them to
/// others.
fn unknown_policies(table: &Table, own: &Own, declared: &[DeclaredName]) -> Vec<Unknown> {
    let taken_over = |name: &str| table.policies.iter().any(|policy| policy.was.is_some_and(|was| was.name == name));
    let lost = |known: &&DeclaredName| {
        let Declaration { kind, name, replaced_by, .. } = &known.declaration;
        *kind == NameKind::Policy && replaced_by.is_none() && !own.has(*kind, name) && !taken_over(name)
    };
    if table.policies.is_empty() {
        return Vec::new();
    }
    let unknown = |known: &DeclaredName| Unknown {
        kind: NameKind::Policy,
        name: known.declaration.name.clone(),
        declared: Some(known.clone()),
        found: format!("the log holds the progress of policy `{}`", known.declaration.name),
        prefixes: BTreeSet::new(),
        refused: false,
    };
    declared.iter().filter(lost).map(unknown).collect()
}

/// Declares the new names in the log's register.
async fn declare(
    register: &dyn NameRegister,
    table: &Table,
    own: &Own,
    declared: &[DeclaredName],
) -> Result<(), StoreError> {
    let at = Timestamp::now();
    let declaration = |kind, name: &str, registration: &Registration, replaced_by: Option<&str>| Declaration {
        kind,
        name: name.to_owned(),
        by: registration.place(),
        at,
        replaced_by: replaced_by.map(str::to_owned),
    };
    let new = own.names.iter().filter(|&(&(kind, name), _)| find(declared, kind, name).is_none());
    let mut names: Vec<Declaration> =
        new.map(|(&(kind, name), registration)| declaration(kind, name, registration, None)).collect();
    for policy in &table.policies {
        let Some(was) = policy.was else { continue };
        let known = find(declared, NameKind::Policy, was.name);
        if known.and_then(|known| known.declaration.replaced_by).as_deref() != Some(policy.name) {
            names.push(declaration(NameKind::Policy, was.name, policy.registration, Some(policy.name)));
        }
    }
    if names.is_empty() { Ok(()) } else { register.declare(&names).await }
}

impl Unknown {
    fn declared_by(&self) -> String {
        match &self.declared {
            Some(DeclaredName { declaration, generation: 1.. }) => {
                format!("was declared at {}, first seen {}", declaration.by, declaration.at)
            }
            _ => "was not declared by any program".to_owned(),
        }
    }

    fn fault(&self, table: &Table, own: &Own, stored: &StoredNames, declared: &[DeclaredName]) -> Fault {
        let Self { kind, name, found, .. } = self;
        let lost = match kind {
            NameKind::Event => "their history would be ignored",
            NameKind::TagPrefix => "the history of these entities would not be found",
            NameKind::Policy => "its unfinished work would be forgotten",
        };
        let what = format!(
            "[CQRS808] {found}; no {} of this program has that name: {lost}\n  it {}",
            kind.as_str(),
            self.declared_by()
        );
        // A name that the log does not hold yet may be the new name of one that it holds.
        let is_new = |own_name: &str| match kind {
            NameKind::Event => !stored.events.iter().any(|name| name == own_name),
            NameKind::TagPrefix => !stored.tags.iter().any(|tag| tag.prefix() == own_name),
            NameKind::Policy => find(declared, *kind, own_name).is_none(),
        };
        let candidates: Vec<_> =
            own.names.iter().filter(|((own_kind, own_name), _)| own_kind == kind && is_new(own_name)).collect();
        let about_the_same = |event: &str| {
            let found = table.events.iter().find(|info| info.name == event);
            found.is_some_and(|info| info.tags.iter().any(|tag| self.prefixes.contains(tag.prefix)))
        };
        let near = candidates.into_iter().max_by_key(|((_, own_name), _)| {
            (*kind == NameKind::Event && about_the_same(own_name), likeness(name, own_name))
        });
        let mut instead = String::new();
        if let Some(((_, near), _)) = near {
            let remedy = match kind {
                NameKind::Event => format!("`#[cqrs(name = \"{name}\")]` on event `{near}`"),
                NameKind::TagPrefix => {
                    format!("`#[cqrs(name = \"{name}\")]` on the id type whose tags are `{near}:..`")
                }
                NameKind::Policy => format!("`#[policy(was = \"{name}\", ..)]` on `{near}`"),
            };
            let _ = writeln!(instead, "was it renamed? write {remedy}");
        }
        let _ = write!(
            instead,
            "if no program needs it any more: `App::builder().retired([\"{name}\"])`\n\
             if another program serves it: `App::builder().served_elsewhere([\"{name}\"])`"
        );
        let parties: Vec<&Registration> = near.iter().map(|(_, registration)| **registration).collect();
        Fault::new(what, &parties, instead)
    }
}

/// The length of the longest substring that two names have in common.
fn likeness(one: &str, other: &str) -> usize {
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    let letters: Vec<char> = one.chars().collect();
    let mut longest = 0;
    for from in 0..letters.len() {
        while from + longest < letters.len() {
            let part: String = letters[from..=from + longest].iter().collect();
            if !other.contains(&part) {
                break;
            }
            longest += 1;
        }
    }
    longest
}
