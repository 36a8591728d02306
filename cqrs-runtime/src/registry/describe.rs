//! A readable overview of an app.

use std::fmt;

use super::table::{Placed, Table};
use super::{MessageInfo, Registration};
use crate::model::parameter_info::ParameterInfo;

/// An overview of an app: every command, query, event, aggregate, projection and policy, and what handles what. Prints as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The sections in the order in which they print: a heading and its lines.
    pub sections: Vec<(&'static str, Vec<Line>)>,
}

/// One item of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// What it is connected with.
    pub details: Vec<String>,
    /// The file and line of its macro.
    pub place: String,
}

impl Description {
    pub(crate) fn new(table: &Table) -> Self {
        let mut sections = Vec::new();
        let commands = table.command_handlers.values().map(|handler| {
            let mut events = handler.emits.names();
            events.sort_unstable();
            events.dedup();
            let aggregates: Vec<&str> = handler
                .parameters
                .iter()
                .filter_map(|parameter| match parameter {
                    ParameterInfo::Aggregate(aggregate) => Some(aggregate.name),
                    _ => None,
                })
                .collect();
            let kind = if handler.workflow { "workflow" } else { "decision" };
            let mut details = vec![format!("{kind} {}", handler.function), on("on", &aggregates), on("emits", &events)];
            details.extend(exposed(&table.commands, handler.command));
            line(handler.command, details, handler.registration)
        });
        sections.push(("Commands", commands.collect()));
        let queries = table.query_handlers.values().map(|handler| {
            let views: Vec<&str> = handler
                .parameters
                .iter()
                .filter_map(|parameter| match parameter {
                    ParameterInfo::View(view) => Some(view.name),
                    _ => None,
                })
                .collect();
            let mut details = vec![format!("query {}", handler.function), on("reads", &views)];
            details.extend(exposed(&table.queries, handler.query));
            line(handler.query, details, handler.registration)
        });
        sections.push(("Queries", queries.collect()));
        let events = table.events.iter().map(|event| {
            let tags: Vec<&str> = event.tags.iter().map(|tag| tag.prefix).collect();
            line(event.name, vec![format!("version {}", event.version), on("tagged", &tags)], event.registration)
        });
        sections.push(("Events", events.collect()));
        let aggregates = table.aggregates.iter().map(|aggregate| {
            let details = vec![on("folded from", aggregate.events), on("ignores", aggregate.ignored)];
            line(aggregate.name, details, aggregate.registration)
        });
        sections.push(("Aggregates", aggregates.collect()));
        let projections = table.projections.iter().map(|projection| {
            let makes =
                projection.view.map_or_else(|| "writes tables".to_owned(), |view| format!("makes {}", view.name));
            let details = vec![makes, on("folded from", projection.events), on("looks up", projection.look_ups)];
            line(projection.name, details, projection.registration)
        });
        sections.push(("Projections", projections.collect()));
        let policies = table.policies.iter().map(|policy| {
            let effects = policy.reactions.iter().any(|reaction| reaction.effects);
            let acts = if effects { "acts outside" } else { "pure" };
            let details = vec![acts.to_owned(), on("listens to", &policy.events()), on("sends", &policy.commands())];
            line(policy.name, details, policy.registration)
        });
        sections.push(("Policies", policies.collect()));
        Self { sections }
    }
}

/// How a message is reached from outside, and by whom.
fn exposed(messages: &[Placed<MessageInfo>], name: &str) -> Vec<String> {
    let info = messages.iter().find(|message| message.name == name);
    info.map(|info| vec![info.exposure.http.unwrap_or_default().to_owned(), info.exposure.access.to_string()])
        .unwrap_or_default()
}

fn on(word: &str, names: &[&str]) -> String {
    if names.is_empty() { String::new() } else { format!("{word} {}", names.join(", ")) }
}

fn line(name: &str, details: Vec<String>, registration: &Registration) -> Line {
    Line {
        name: name.to_owned(),
        details: details.into_iter().filter(|detail| !detail.is_empty()).collect(),
        place: registration.place(),
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.sections.iter().flat_map(|(_, lines)| lines).map(|line| line.name.len()).max().unwrap_or(0);
        for (heading, lines) in self.sections.iter().filter(|(_, lines)| !lines.is_empty()) {
            writeln!(f, "{heading}")?;
            for line in lines {
                writeln!(f, "  {:width$}  {}  [{}]", line.name, line.details.join("; "), line.place)?;
            }
        }
        Ok(())
    }
}
