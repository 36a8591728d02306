//! Rules that only the linked program can show (8xx).

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap, HashSet};

use super::fault::{BuildError, Fault};
use super::placement::{Place, ReadDatabases};
use super::policy_checks;
use crate::model::parameter_info::{ParameterInfo, Resource};
use crate::projection::{MOST_PARTS, Partitions};
use crate::registry::Registration;
use crate::registry::table::{Placed, Table};
use cqrs_core::json;
use cqrs_core::log::EventLog;
use cqrs_core::view::ViewLayout;

pub(super) type States = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

/// Checks the linked program and the builder's settings against the rules, and says which store holds which view.
pub(super) fn check(
    table: &Table,
    states: &States,
    log: &dyn EventLog,
    reads: &ReadDatabases,
) -> Result<Vec<Place>, BuildError> {
    let mut faults = linked(table);
    services_are_there(table, states, &mut faults);
    let places = databases_are_there(table, log, reads, &mut faults);
    if faults.is_empty() { Ok(places) } else { Err(BuildError::Faults(faults)) }
}

/// 803: checks that each requested projection can be partitioned. Returns the number of partitions by
/// projection.
pub(super) fn partitions(table: &Table, places: &[Place], wanted: &Partitions) -> Result<Partitions, BuildError> {
    let (mut split, mut faults) = (Partitions::new(), Vec::new());
    for (&view, &number) in wanted {
        let makes = |layout: Option<ViewLayout>| layout.is_some_and(|made| made.name == view);
        let Some(entry) = table.projections.iter().find(|entry| makes(entry.view)) else {
            faults.push(Fault::new(
                format!("[CQRS803] `.partitions` names view `{view}`, but no projection makes it"),
                &[],
                "link the crate that has its `#[projection]`, or remove `.partitions::<..>(..)`",
            ));
            continue;
        };
        let mut refuse = |why: String, instead: &str| {
            let what = format!("[CQRS803] projection `{}` cannot have {number} partitions: {why}", entry.name);
            faults.push(Fault::new(what, &[entry.registration], instead));
        };
        if number == 0 || number > MOST_PARTS {
            refuse(
                format!("a projection has 1 to {MOST_PARTS} partitions"),
                "choose another number; 1 means no partitions",
            );
        }
        let by = table.projections.iter().find(|other| other.look_ups.contains(&view)).map(|other| other.name);
        let looked_up = entry.look_ups.first().map(|other| format!("it looks up view `{other}`"));
        if let Some(why) = looked_up.or(by.map(|by| format!("projection `{by}` looks it up"))) {
            refuse(
                format!("{why}, and a look-up must find both at the same event"),
                "remove `.partitions::<..>(..)`, or move what is looked up into a separate view",
            );
        }
        if places.iter().any(|place| place.inside_log && place.projections.iter().any(|info| info.name == entry.name)) {
            refuse(
                "it is folded with each command (level 1)".into(),
                "set a read database for its view: `App::builder().views(..)` or `.views_of::<..>(..)`",
            );
        }
        split.insert(entry.name, number);
    }
    if faults.is_empty() { Ok(split) } else { Err(BuildError::Faults(faults)) }
}

/// Checks the linked program against the rules that need no composition root.
pub(super) fn linked(table: &Table) -> Vec<Fault> {
    let mut faults = Vec::new();
    something_is_linked(table, &mut faults);
    faults.extend(numbers_are_read(json::reads_buffered_numbers()));
    names_are_unique(table, &mut faults);
    one_handler_a_message(table, &mut faults);
    every_message_is_handled(table, &mut faults);
    events_are_linked(table, &mut faults);
    views_are_made(table, &mut faults);
    policy_checks::check(table, &mut faults);
    faults
}

/// Checks a feature of `serde_json` that any crate of the program may turn on: it changes how numbers are
/// read.
fn numbers_are_read(they_are: bool) -> Option<Fault> {
    (!they_are).then(|| {
        Fault::new(
            "this program cannot read numbers inside tagged, untagged and flattened types: the feature \
             `arbitrary_precision` of `serde_json` is on, and events that were stored with such numbers would be corrupt",
            &[],
            "turn the feature off; `cargo tree -e features -i serde_json` shows which crate turns it on",
        )
    })
}

fn something_is_linked(table: &Table, faults: &mut Vec<Fault>) {
    let handlers = table.command_handlers.len() + table.query_handlers.len();
    if handlers + table.projections.len() + table.policies.len() == 0 {
        faults.push(Fault::new(
            "no handler and no projection is linked into this program",
            &[],
            "a crate that is in Cargo.toml but never named in source is not linked: write `use that_crate as _;`",
        ));
    }
}

/// 801: the wire and the log identify things by name only.
fn names_are_unique(table: &Table, faults: &mut Vec<Fault>) {
    let messages = table.commands.iter().chain(&table.queries);
    unique("messages", messages.map(|entry| (entry.name.to_owned(), entry.registration)), faults);
    let events = table.events.iter();
    unique(
        "events",
        events.map(|entry| (format!("{} version {}", entry.name, entry.version), entry.registration)),
        faults,
    );
    unique("aggregates", table.aggregates.iter().map(|entry| (entry.name.to_owned(), entry.registration)), faults);
    unique("views", table.views.iter().map(|entry| (entry.layout.name.to_owned(), entry.registration)), faults);
    unique("projections", table.projections.iter().map(|entry| (entry.name.to_owned(), entry.registration)), faults);
    unique("policies", table.policies.iter().map(|entry| (entry.name.to_owned(), entry.registration)), faults);
    let views = table.views.iter().map(|entry| (entry.layout.name, entry.registration));
    let projections = table.projections.iter().map(|entry| (entry.name, entry.registration));
    for (name, registration) in views.chain(projections).filter(|(name, _)| name.contains('@')) {
        faults.push(Fault::new(
            format!("[CQRS801] the name `{name}` is reserved: it collides with a name that the runner uses for a shadow build or for stored state"),
            &[registration],
            "choose a name without `@`",
        ));
    }
    let mut prefixes: BTreeMap<&str, Placed<_>> = BTreeMap::new();
    for aggregate in &table.aggregates {
        let other = *prefixes.entry(aggregate.prefix).or_insert(*aggregate);
        if (other.id)() != (aggregate.id)() {
            faults.push(Fault::new(
                format!(
                    "[CQRS801] the ids `{}` and `{}` both make tags `{}:..`: one entity would be taken for another",
                    (other.id)(),
                    (aggregate.id)(),
                    aggregate.prefix
                ),
                &[other.registration, aggregate.registration],
                "give one of the ids another prefix: `#[cqrs(name = \"..\")]`",
            ));
        }
    }
}

fn unique(what: &str, entries: impl Iterator<Item = (String, &'static Registration)>, faults: &mut Vec<Fault>) {
    let mut places: BTreeMap<String, Vec<&Registration>> = BTreeMap::new();
    for (name, registration) in entries {
        places.entry(name).or_default().push(registration);
    }
    for (name, parties) in places {
        if parties.len() > 1 {
            faults.push(Fault::new(
                format!(
                    "[CQRS801] {} {what} are named `{name}`: the wire and the log identify them by name only",
                    parties.len()
                ),
                &parties,
                "rename one (its type, or `#[cqrs(name = \"..\")]`), or register fewer modules: `.only_modules(..)`",
            ));
        }
    }
}

/// 206, across crates: one handler per command.
fn one_handler_a_message(table: &Table, faults: &mut Vec<Fault>) {
    for (name, first, second) in &table.doubles {
        faults.push(Fault::new(
            format!("[CQRS206] `{name}` has two handlers: it would be left to chance which one runs"),
            &[first, second],
            "remove one, or register fewer modules: `.only_modules(..)`",
        ));
    }
}

/// 802: every command and query has a handler.
fn every_message_is_handled(table: &Table, faults: &mut Vec<Fault>) {
    let unhandled = |name: &str, attribute: &str, registration: &Registration, faults: &mut Vec<Fault>| {
        faults.push(Fault::new(
            format!("[CQRS802] no handler for `{name}`; sending it would fail at run time"),
            &[registration],
            format!("write its `#[{attribute}]`, or link the crate that has it: `use that_crate as _;`"),
        ));
    };
    for command in &table.commands {
        if !table.command_handlers.contains_key(command.name) {
            unhandled(command.name, "command", command.registration, faults);
        }
    }
    for query in &table.queries {
        if !table.query_handlers.contains_key(query.name) {
            unhandled(query.name, "query", query.registration, faults);
        }
    }
}

/// 803: every service that a handler takes is registered.
pub(super) fn services_are_there(table: &Table, states: &States, faults: &mut Vec<Fault>) {
    for (function, parameter, registration) in table.parameters() {
        let ParameterInfo::State(state) = parameter else { continue };
        if !states.contains_key(&(state.type_id)()) {
            faults.push(Fault::new(
                format!("[CQRS803] `{function}` takes `State<{}>`, but the app has no such service", (state.name)()),
                &[registration],
                "register it: `App::builder().state(..)`",
            ));
        }
    }
}

/// 803 and 806: every database that a handler takes is the app's.
pub(super) fn databases_are_there(
    table: &Table,
    log: &dyn EventLog,
    reads: &ReadDatabases,
    faults: &mut Vec<Fault>,
) -> Vec<Place> {
    let log_database = log.database();
    let places = reads.places(table, log);
    let is_read = |wanted| places.iter().any(|place| place.is(wanted));
    for (function, parameter, registration) in table.parameters() {
        let (what, instead) = match parameter {
            ParameterInfo::Transaction(wanted) if !wanted.is(log_database) => (
                format!(
                    "[CQRS806] `{function}` takes `&mut Tx<{}>`, but the log is {}: the events would not commit with it",
                    (wanted.name)(),
                    log.describe()
                ),
                "take the transaction of the log's own database",
            ),
            ParameterInfo::Reader(wanted) if !is_read(wanted) => (
                format!(
                    "[CQRS803] `{function}` takes `Reader<{}>`, but no read database of the app is of that type",
                    (wanted.name)()
                ),
                "take the reader of the database that stores the views",
            ),
            _ => continue,
        };
        faults.push(Fault::new(what, &[registration], instead));
    }
    for projection in &table.projections {
        if let Some(wanted) = projection.database.filter(|&wanted| !is_read(wanted)) {
            faults.push(Fault::new(
                format!(
                    "[CQRS803] projection `{}` writes to `{}`, but no read database of the app is of that type",
                    projection.name,
                    (wanted.name)()
                ),
                &[projection.registration],
                "take the transaction of the database that stores the views",
            ));
        }
    }
    if let (Some(policy), true) = (table.policies.first(), log.views().is_none()) {
        faults.push(Fault::new(
            format!("[CQRS803] the program has policies, but {} cannot store their progress", log.describe()),
            &[policy.registration],
            "use a log that also stores views",
        ));
    }
    let lives = |name| places.iter().any(|place| place.projections.iter().any(|info| info.name == name));
    if let Some(homeless) = table.projections.iter().find(|entry| !lives(entry.name)) {
        faults.push(Fault::new(
            format!(
                "[CQRS803] projection `{}` has no read database: {} stores no views",
                homeless.name,
                log.describe()
            ),
            &[homeless.registration],
            "use a log that also stores views, or set a read database: `App::builder().views(..)`",
        ));
    }
    reads.check(table, &places, faults);
    places
}

/// 806, as far as it shows without the log: one log has one database.
pub(super) fn one_write_database(table: &Table, faults: &mut Vec<Fault>) {
    let mut first: Option<(&str, Resource, &Registration)> = None;
    for (function, parameter, registration) in table.parameters() {
        let ParameterInfo::Transaction(wanted) = parameter else { continue };
        let (other, database, place) = *first.get_or_insert((function, wanted, registration));
        if (database.type_id)() != (wanted.type_id)() {
            faults.push(Fault::new(
                format!(
                    "[CQRS806] `{other}` takes `&mut Tx<{}>`, and `{function}` takes `&mut Tx<{}>`: the log is stored in one of \
                     them, and the events of the other would not commit with it",
                    (database.name)(),
                    (wanted.name)()
                ),
                &[place, registration],
                "take the transaction of the log's own database, or register fewer modules: `.only_modules(..)`",
            ));
        }
    }
}

const LINK_THE_EVENT: &str =
    "link the crate that has it: `use that_crate as _;`, or add its module to `.only_modules(..)`";

/// 804: events that are dead, and events that would be lost.
fn events_are_linked(table: &Table, faults: &mut Vec<Fault>) {
    let linked: HashSet<&str> = table.events.iter().map(|event| event.name).collect();
    let mut used: HashSet<&str> = HashSet::new();
    for handler in table.command_handlers.values() {
        let emitted = handler.emits.names();
        used.extend(&emitted);
        for event in emitted.iter().filter(|event| !linked.contains(*event)) {
            faults.push(Fault::new(
                format!("[CQRS804] `{}` emits event `{event}`, which is not linked", handler.function),
                &[handler.registration],
                LINK_THE_EVENT,
            ));
        }
    }
    let aggregates =
        table.aggregates.iter().map(|entry| ("aggregate", entry.name, entry.events.to_vec(), entry.registration));
    let projections =
        table.projections.iter().map(|entry| ("projection", entry.name, entry.events.to_vec(), entry.registration));
    let policies = table.policies.iter().map(|entry| ("policy", entry.name, entry.events(), entry.registration));
    for (what, name, events, registration) in aggregates.chain(projections).chain(policies) {
        used.extend(&events);
        for event in events.iter().filter(|event| !linked.contains(*event)) {
            faults.push(Fault::new(
                format!("[CQRS804] {what} `{name}` listens to event `{event}`, which is not linked"),
                &[registration],
                LINK_THE_EVENT,
            ));
        }
    }
    for event in table.events.iter().filter(|event| !used.contains(event.name)) {
        faults.push(Fault::new(
            format!("[CQRS804] event `{}` is dead: no handler emits it, and nothing listens to it", event.name),
            &[event.registration],
            "delete it, or write the handler that emits it or the projection that listens to it",
        ));
    }
}

/// 804: a handler that reads a view which no projection makes would never find a row.
fn views_are_made(table: &Table, faults: &mut Vec<Fault>) {
    let made: HashSet<&str> = table.projections.iter().filter_map(|entry| entry.view.map(|view| view.name)).collect();
    for (function, parameter, registration) in table.parameters() {
        let ParameterInfo::View(view) = parameter else { continue };
        if !made.contains(view.name) {
            faults.push(Fault::new(
                format!("[CQRS804] `{function}` reads view `{}`, which no projection makes", view.name),
                &[registration],
                "write its `#[projection(on = [..])]`, or link the crate that has it",
            ));
        }
    }
    for projection in &table.projections {
        for looked_up in projection.look_ups.iter().filter(|name| !made.contains(*name)) {
            faults.push(Fault::new(
                format!(
                    "[CQRS804] projection `{}` looks up view `{looked_up}`, which no projection makes",
                    projection.name
                ),
                &[projection.registration],
                "write its `#[projection(on = [..])]`, or link the crate that has it",
            ));
        }
    }
    let mut makers: BTreeMap<&str, Vec<&Registration>> = BTreeMap::new();
    for projection in &table.projections {
        if let Some(view) = projection.view {
            makers.entry(view.name).or_default().push(projection.registration);
        }
    }
    for (view, parties) in makers {
        if parties.len() > 1 {
            faults.push(Fault::new(
                format!(
                    "[CQRS801] {} projections make view `{view}`: each would overwrite the other's rows",
                    parties.len()
                ),
                &parties,
                "put their methods into one `#[projection]`, or give one of them a separate view",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_cannot_be_read_are_a_fault() {
        assert!(json::reads_buffered_numbers(), "the tests do not turn the feature on");
        assert!(numbers_are_read(true).is_none());
        let fault = numbers_are_read(false).expect("a fault").to_string();
        assert!(fault.contains("`arbitrary_precision`") && fault.contains("cargo tree -e features -i serde_json"));
    }
}
