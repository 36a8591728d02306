//! Translates an `EventQuery` to SQL.

use std::collections::{BTreeMap, BTreeSet};

use cqrs_core::log::{EventQuery, Position, QueryItem};
use tokio_postgres::types::Type;

use crate::sql::Sql;
use crate::text::{clamped, escape, key};

/// The columns of an event.
const COLUMNS: &str = "position, id, name, version, tags, data, meta, recorded_at";

/// How many alternatives go into one statement. More need several statements, whose results are
/// merged.
const ARMS: usize = 64;

/// Up to this many names use the index by name. More of them scan the log.
const NAMES: usize = 16;

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
/// most `rows`, in no particular order. `$1` is the position, `$2` the number of rows.
pub(crate) fn statements(schema: &str, query: &EventQuery, after: Position, rows: i64) -> Vec<Sql> {
    let begin = || Sql::new("").with(clamped(after.get()), Type::INT8).with(rows, Type::INT8);
    let everything = |item: &QueryItem| item.tags.is_empty() && item.names.is_empty();
    if query.items.is_empty() || query.items.iter().any(everything) {
        let mut sql = begin();
        sql.push(&format!("SELECT {COLUMNS} FROM {schema}.cqrs_events"));
        sql.push(" WHERE position > $1 ORDER BY position LIMIT $2");
        return vec![sql];
    }
    arms(query).chunks(ARMS).map(|arms| union(schema, begin(), arms)).collect()
}

fn names(item: &QueryItem) -> Names<'_> {
    item.names.iter().map(|name| &**name).collect()
}

fn arms(query: &EventQuery) -> Vec<Arm<'_>> {
    let mut arms = Vec::new();
    let mut groups: BTreeMap<Names<'_>, BTreeSet<&str>> = BTreeMap::new();
    let mut untagged = Names::new();
    for item in &query.items {
        let tags: BTreeSet<&str> = item.tags.iter().map(cqrs_core::Tag::as_str).collect();
        match tags.len() {
            0 => untagged.extend(names(item)),
            1 => groups.entry(names(item)).or_default().extend(tags),
            _ => arms.push(Arm::AllTags(tags.into_iter().collect(), names(item))),
        }
    }
    arms.extend(groups.into_iter().map(|(names, tags)| Arm::AnyTag(tags.into_iter().collect(), names)));
    if untagged.len() > NAMES {
        arms.push(Arm::Names(untagged));
    } else {
        arms.extend(untagged.into_iter().map(Arm::Name));
    }
    arms
}

/// Selects the lowest positions of all alternatives, each once, and their events.
///
/// A subquery of its own reads the event at a position, with one step in the primary key. With
/// outdated statistics, a join might scan the table.
fn union(schema: &str, mut sql: Sql, arms: &[Arm<'_>]) -> Sql {
    sql.push("SELECT e.* FROM (");
    for (place, arm) in arms.iter().enumerate() {
        // The union removes duplicates.
        sql.push(if place == 0 { "(" } else { " UNION (" });
        write(schema, &mut sql, arm);
        sql.push(")");
    }
    if arms.len() > 1 {
        sql.push(" ORDER BY 1 LIMIT $2");
    }
    sql.push(&format!(
        ") p (position) CROSS JOIN LATERAL (SELECT {COLUMNS} FROM {schema}.cqrs_events WHERE position = p.position LIMIT 1) e"
    ));
    sql.once = arms.len() > 4 || arms.iter().any(|arm| matches!(arm, Arm::AllTags(..)));
    sql
}

fn write(schema: &str, sql: &mut Sql, arm: &Arm<'_>) {
    match arm {
        Arm::AnyTag(tags, names) if tags.len() == 1 => {
            // One aggregate: its range in the index by tag, in order.
            sql.push(&format!("SELECT t.position FROM {schema}.cqrs_event_tags t WHERE t.tag = "));
            sql.bind(key(tags[0]), Type::TEXT).push(" AND t.position > $1");
            named(sql, "t", names);
            sql.push(" ORDER BY t.position LIMIT $2");
        }
        Arm::AnyTag(tags, names) => {
            let tags: Vec<String> = tags.iter().map(|tag| key(tag)).collect();
            sql.push("SELECT DISTINCT o.position FROM unnest(").bind(tags, Type::TEXT_ARRAY);
            sql.push(") w (tag) CROSS JOIN LATERAL (SELECT t.position FROM ");
            sql.push(&format!("{schema}.cqrs_event_tags t WHERE t.tag = w.tag AND t.position > $1"));
            named(sql, "t", names);
            sql.push(" ORDER BY t.position LIMIT $2) o ORDER BY 1 LIMIT $2");
        }
        Arm::AllTags(tags, names) => {
            sql.push(&format!("SELECT t.position FROM {schema}.cqrs_event_tags t WHERE t.position > $1"));
            for (place, tag) in tags.iter().enumerate() {
                if place == 0 {
                    sql.push(" AND t.tag = ").bind(key(tag), Type::TEXT);
                } else {
                    sql.push(&format!(" AND EXISTS (SELECT FROM {schema}.cqrs_event_tags u WHERE u.tag = "));
                    sql.bind(key(tag), Type::TEXT).push(" AND u.position = t.position)");
                }
            }
            named(sql, "t", names);
            sql.push(" ORDER BY t.position LIMIT $2");
        }
        Arm::Name(name) => {
            sql.push(&format!("SELECT e.position FROM {schema}.cqrs_events e WHERE e.name = "));
            sql.bind(escape(name), Type::TEXT).push(" AND e.position > $1 ORDER BY e.position LIMIT $2");
        }
        Arm::Names(names) => {
            sql.push(&format!("SELECT e.position FROM {schema}.cqrs_events e WHERE e.position > $1"));
            named(sql, "e", names);
            sql.push(" ORDER BY e.position LIMIT $2");
        }
    }
}

/// Restricts a search to events with these names.
fn named(sql: &mut Sql, table: &str, names: &Names<'_>) {
    if !names.is_empty() {
        let names: Vec<String> = names.iter().map(|name| escape(name)).collect();
        sql.push(&format!(" AND {table}.name = ANY (")).bind(names, Type::TEXT_ARRAY).push(")");
    }
}
