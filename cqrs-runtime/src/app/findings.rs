//! 804: linked items that lead nowhere. A program may be right to have one: it may read what another program writes. So
//! `App::build` only warns, and `verify!()` fails until the name is accepted.

use std::collections::{BTreeSet, HashSet};

use super::fault::Fault;
use crate::model::parameter_info::ParameterInfo;
use crate::registry::table::Table;

/// A finding about one name.
pub(super) struct Finding {
    /// The event's or view's name.
    name: &'static str,
    fault: Fault,
}

/// The items that lead nowhere and are not accepted, and the accepted names without a finding.
pub(super) fn check(table: &Table, accepted: &BTreeSet<String>) -> Vec<Fault> {
    let found = all(table);
    let names: HashSet<&str> = found.iter().map(|finding| finding.name).collect();
    let stale = accepted.iter().filter(|name| !names.contains(name.as_str())).map(|name| {
        let what = format!("[CQRS804] `{name}` is accepted without need: nothing is found about it");
        Fault::new(what, &[], "remove it from `accept`")
    });
    let stale: Vec<Fault> = stale.collect();
    found
        .into_iter()
        .filter(|finding| !accepted.contains(finding.name))
        .map(|finding| finding.fault)
        .chain(stale)
        .collect()
}

fn all(table: &Table) -> Vec<Finding> {
    let mut found = Vec::new();
    events(table, &mut found);
    views(table, &mut found);
    found
}

fn events(table: &Table, found: &mut Vec<Finding>) {
    let emitted: HashSet<&str> = table.command_handlers.values().flat_map(|handler| handler.emits.names()).collect();
    let aggregates = table.aggregates.iter().flat_map(|entry| entry.events).copied();
    let projections = table.projections.iter().flat_map(|entry| entry.events).copied();
    let policies = table.policies.iter().flat_map(|entry| entry.events());
    let heard: HashSet<&str> = aggregates.chain(projections).chain(policies).collect();
    let mut seen = HashSet::new();
    for event in &table.events {
        let name = event.name;
        let (what, instead) = match (emitted.contains(name), heard.contains(name)) {
            (true, false) => (
                format!("[CQRS804] event `{name}` is emitted, but no aggregate, projection or policy listens to it"),
                "write what listens to it, or delete it",
            ),
            (false, true) => (
                format!("[CQRS804] event `{name}` has listeners, but no handler emits it"),
                "write the handler that emits it, or link the crate that has it: `use that_crate as _;`",
            ),
            // An event with neither is refused as dead.
            _ => continue,
        };
        // All versions of an event count as one.
        if seen.insert(name) {
            found.push(Finding { name, fault: Fault::new(what, &[event.registration], or_accept(instead, name)) });
        }
    }
}

fn views(table: &Table, found: &mut Vec<Finding>) {
    let taken = table.parameters().filter_map(|(_, parameter, _)| match parameter {
        ParameterInfo::View(view) => Some(view.name),
        _ => None,
    });
    let looked_up = table.projections.iter().flat_map(|entry| entry.look_ups).copied();
    let read: HashSet<&str> = taken.chain(looked_up).collect();
    for view in table.views.iter().filter(|view| !read.contains(view.layout.name)) {
        let name = view.layout.name;
        let what = format!("[CQRS804] view `{name}` is read by no query");
        let instead = or_accept("write a query that takes `Views<..>` of it, or delete it", name);
        found.push(Finding { name, fault: Fault::new(what, &[view.registration], instead) });
    }
}

fn or_accept(instead: &str, name: &str) -> String {
    format!("{instead}\nif it is intended: `verify!(accept = [\"{name}\"])`, or `App::builder().accept([\"{name}\"])`")
}
