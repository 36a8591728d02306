//! Translates an `EventQuery` to SQL.

use std::collections::{BTreeMap, BTreeSet};

use cqrs_core::Tag;
use cqrs_core::log::{EventQuery, Position, QueryItem};

use crate::sql::{Parameter, Sql, clamped};

/// The columns of an event `e`.
const COLUMNS: &str = "e.position, e.id, e.name, e.version, e.tags, e.data, e.meta, e.recorded_at";

/// How many alternatives go into one statement. More need several statements, whose results are
/// merged.
const ARMS: usize = 64;

/// Up to this many names use the index by name. More of them scan the log.
const NAMES: usize = 16;

/// A statement that selects the events with the lowest positions, in no particular order.
pub(crate) struct Statement {
    pub(crate) sql: Sql,
    /// Whether the text is used often: then it is worth keeping prepared.
    pub(crate) recurs: bool,
}

/// One alternative of a query.
enum Arm<'a> {
    /// Events that carry any of the tags: many aggregates of one kind.
    AnyTag(Vec<&'a str>, Names<'a>),
    /// Events that carry all of the tags.
    AllTags(Vec<&'a str>, Names<'a>),
    /// Events of one name.
    Name(&'a str),
    /// Events of any of the names.
    Names(Names<'a>),
}

/// Any of these names, or all names if it is empty.
type Names<'a> = BTreeSet<&'a str>;

/// The statements that together select the events that match `query` after `after`. Each returns at
/// most `rows`.
pub(crate) fn statements(query: &EventQuery, after: Position, rows: i64) -> Vec<Statement> {
    let begin = || {
        let parameters = vec![Parameter::integer(clamped(after.get())), Parameter::integer(rows)];
        Sql { text: String::new(), parameters }
    };
    let everything = |item: &QueryItem| item.tags.is_empty() && item.names.is_empty();
    if query.items.is_empty() || query.items.iter().any(everything) {
        let mut sql = begin();
        sql.push("SELECT ").push(COLUMNS).push(" FROM main.cqrs_events e WHERE e.position > ?1");
        sql.push(" ORDER BY e.position LIMIT ?2");
        return vec![Statement { sql, recurs: true }];
    }
    if let [item] = &*query.items
        && let [tag] = &*item.tags
    {
        // One aggregate: its range in the index by tag, in order, and the events of that range.
        let mut sql = begin();
        sql.push("SELECT ").push(COLUMNS).push(" FROM main.cqrs_event_tags t");
        sql.push(" CROSS JOIN main.cqrs_events e ON e.position = t.position WHERE t.tag = ");
        sql.bind(Parameter::text(tag.as_str())).push(" AND t.position > ?1");
        named(&mut sql, &names(item));
        sql.push(" ORDER BY t.position LIMIT ?2");
        return vec![Statement { sql, recurs: true }];
    }
    arms(query).chunks(ARMS).map(|arms| union(begin(), arms)).collect()
}

fn names(item: &QueryItem) -> Names<'_> {
    item.names.iter().map(|name| &**name).collect()
}

fn arms(query: &EventQuery) -> Vec<Arm<'_>> {
    let mut arms = Vec::new();
    let mut groups: BTreeMap<Names<'_>, Vec<&str>> = BTreeMap::new();
    let mut untagged = Names::new();
    for item in &query.items {
        match &*item.tags {
            [] => untagged.extend(names(item)),
            [tag] => groups.entry(names(item)).or_default().push(tag.as_str()),
            tags => arms.push(Arm::AllTags(tags.iter().map(Tag::as_str).collect(), names(item))),
        }
    }
    arms.extend(groups.into_iter().map(|(names, tags)| Arm::AnyTag(tags, names)));
    if untagged.len() > NAMES {
        arms.push(Arm::Names(untagged));
    } else {
        arms.extend(untagged.into_iter().map(Arm::Name));
    }
    arms
}

/// The lowest positions of all alternatives, each once, and their events.
fn union(mut sql: Sql, arms: &[Arm<'_>]) -> Statement {
    sql.push("SELECT ").push(COLUMNS).push(" FROM (");
    for (place, arm) in arms.iter().enumerate() {
        sql.push(if place == 0 { "" } else { " UNION " });
        // The union removes duplicates. A single alternative has to do so itself.
        sql.push(if arms.len() == 1 { "SELECT DISTINCT " } else { "SELECT " });
        write(&mut sql, arm);
    }
    sql.push(" ORDER BY 1 LIMIT ?2) h CROSS JOIN main.cqrs_events e ON e.position = h.position");
    Statement { sql, recurs: arms.len() <= 4 }
}

fn write(sql: &mut Sql, arm: &Arm<'_>) {
    match arm {
        Arm::AnyTag(tags, names) => {
            sql.push("t.position AS position FROM rarray(").bind(Parameter::texts(tags.iter().copied()));
            sql.push(") j CROSS JOIN main.cqrs_event_tags t ON t.tag = j.value AND t.position > ?1");
            named(sql.push(" WHERE TRUE"), names);
        }
        Arm::AllTags(tags, names) => {
            sql.push("t.position AS position FROM main.cqrs_event_tags t WHERE t.position > ?1");
            for (place, tag) in tags.iter().enumerate() {
                let tag = Parameter::text(tag);
                if place == 0 {
                    sql.push(" AND t.tag = ").bind(tag);
                } else {
                    sql.push(" AND EXISTS (SELECT 1 FROM main.cqrs_event_tags u WHERE u.tag = ").bind(tag);
                    sql.push(" AND u.position = t.position)");
                }
            }
            named(sql, names);
        }
        Arm::Name(name) => {
            sql.push("e.position AS position FROM main.cqrs_events e WHERE e.name = ").bind(Parameter::text(name));
            sql.push(" AND e.position > ?1");
        }
        Arm::Names(names) => {
            // The plus excludes the index by name, which would have to sort all that it finds.
            sql.push("e.position AS position FROM main.cqrs_events e WHERE +e.name IN rarray(");
            sql.bind(Parameter::texts(names.iter().copied())).push(") AND e.position > ?1");
        }
    }
}

/// Restricts a search over tags `t` to events with these names.
fn named(sql: &mut Sql, names: &Names<'_>) {
    if !names.is_empty() {
        sql.push(" AND t.name IN rarray(").bind(Parameter::texts(names.iter().copied())).push(")");
    }
}
