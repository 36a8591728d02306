//! The dispatch tables: everything that is linked, by name.

use std::collections::BTreeMap;

use super::{AggregateInfo, EventInfo, Item, MessageInfo, Registration, ViewInfo};
use crate::bus::services::{CommandHandlerInfo, Handlers, QueryHandlerInfo};
use crate::model::parameter_info::ParameterInfo;
use crate::policy::PolicyInfo;
use crate::projection::ProjectionInfo;
use crate::telemetry::Recorder;

/// An entry with its registration.
pub(crate) struct Placed<T: 'static> {
    pub(crate) info: &'static T,
    pub(crate) registration: &'static Registration,
}

impl<T> Clone for Placed<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Placed<T> {}

impl<T> std::ops::Deref for Placed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.info
    }
}

/// Everything that the app serves.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) commands: Vec<Placed<MessageInfo>>,
    pub(crate) queries: Vec<Placed<MessageInfo>>,
    pub(crate) events: Vec<Placed<EventInfo>>,
    pub(crate) aggregates: Vec<Placed<AggregateInfo>>,
    pub(crate) views: Vec<Placed<ViewInfo>>,
    pub(crate) projections: Vec<Placed<ProjectionInfo>>,
    pub(crate) policies: Vec<Placed<PolicyInfo>>,
    pub(crate) command_handlers: BTreeMap<&'static str, Placed<CommandHandlerInfo>>,
    pub(crate) query_handlers: BTreeMap<&'static str, Placed<QueryHandlerInfo>>,
    /// Further handlers of a message that has one.
    pub(crate) doubles: Vec<(&'static str, &'static Registration, &'static Registration)>,
}

impl Table {
    /// Sorts the entries by kind and by source position: the linker's order means nothing.
    pub(crate) fn new(mut registrations: Vec<&'static Registration>) -> Self {
        registrations.sort_by_key(|entry| (entry.location.file(), entry.location.line(), entry.location.column()));
        let mut table = Self::default();
        for registration in registrations {
            match &registration.item {
                Item::Command(info) => table.commands.push(Placed { info, registration }),
                Item::Query(info) => table.queries.push(Placed { info, registration }),
                Item::Event(info) => table.events.push(Placed { info, registration }),
                Item::Aggregate(info) => table.aggregates.push(Placed { info, registration }),
                Item::View(info) => table.views.push(Placed { info, registration }),
                Item::Projection(info) => table.projections.push(Placed { info, registration }),
                Item::Policy(info) => table.policies.push(Placed { info, registration }),
                Item::CommandHandler(info) => {
                    if let Some(first) = table.command_handlers.get(info.command) {
                        table.doubles.push((info.command, first.registration, registration));
                    } else {
                        table.command_handlers.insert(info.command, Placed { info, registration });
                    }
                }
                Item::QueryHandler(info) => {
                    if let Some(first) = table.query_handlers.get(info.query) {
                        table.doubles.push((info.query, first.registration, registration));
                    } else {
                        table.query_handlers.insert(info.query, Placed { info, registration });
                    }
                }
            }
        }
        table
    }

    /// The handlers, for messages that come by name.
    pub(crate) fn handlers(&self) -> Handlers {
        Handlers {
            commands: self.command_handlers.iter().map(|(&name, placed)| (name, placed.info)).collect(),
            queries: self.query_handlers.iter().map(|(&name, placed)| (name, placed.info)).collect(),
        }
    }

    /// The projections.
    pub(crate) fn projections(&self) -> Vec<&'static ProjectionInfo> {
        self.projections.iter().map(|placed| placed.info).collect()
    }

    /// The metrics of what is served. Includes only projections that are folded with each command (`inline`): a runner has its
    /// own.
    pub(crate) fn recorder(&self, inline: &[&'static ProjectionInfo]) -> Recorder {
        let inline = inline.iter().map(|info| (info.name, info.events));
        Recorder::new(self.command_handlers.keys().copied(), self.query_handlers.keys().copied(), inline)
    }

    /// The parameters of every handler and policy, with its name and its place in the source.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'static str, ParameterInfo, &'static Registration)> {
        let commands =
            self.command_handlers.values().map(|entry| (entry.function, entry.parameters, entry.registration));
        let queries = self.query_handlers.values().map(|entry| (entry.function, entry.parameters, entry.registration));
        let handlers = commands.chain(queries).flat_map(|(function, parameters, registration)| {
            parameters.iter().map(move |one| (function, *one, registration))
        });
        let policies = self
            .policies
            .iter()
            .flat_map(|entry| entry.info.parameters().map(move |one| (entry.name, *one, entry.registration)));
        handlers.chain(policies)
    }

    /// The policies.
    pub(crate) fn policies(&self) -> Vec<&'static PolicyInfo> {
        self.policies.iter().map(|placed| placed.info).collect()
    }
}
