//! Rules about the linked policies as a whole.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;

use super::fault::Fault;
use crate::bus::services::CommandHandlerInfo;
use crate::model::parameter_info::ParameterInfo;
use crate::policy::PolicyInfo;
use crate::registry::Registration;
use crate::registry::table::{Placed, Table};

/// Checks the policies against the rules.
pub(super) fn check(table: &Table, faults: &mut Vec<Fault>) {
    their_checkpoints_are_their_own(table, faults);
    former_names_are_free(table, faults);
    their_commands_are_served(table, faults);
    no_circle_is_endless(table, faults);
}

/// 801: a policy's progress is stored under a name that nothing else uses.
fn their_checkpoints_are_their_own(table: &Table, faults: &mut Vec<Fault>) {
    for policy in &table.policies {
        for projection in table.projections.iter().filter(|projection| projection.name == policy.owner) {
            faults.push(Fault::new(
                format!(
                    "[CQRS801] projection `{}` and policy `{}` would share a checkpoint",
                    projection.name, policy.name
                ),
                &[projection.registration, policy.registration],
                "rename the projection",
            ));
        }
    }
}

/// 808: only one policy takes over a former name, and no linked policy has it.
fn former_names_are_free(table: &Table, faults: &mut Vec<Fault>) {
    let mut heirs: BTreeMap<&str, Vec<&Placed<PolicyInfo>>> = BTreeMap::new();
    for policy in &table.policies {
        if let Some(was) = policy.was {
            heirs.entry(was.name).or_default().push(policy);
        }
    }
    for (was, heirs) in heirs {
        if let Some(still) = table.policies.iter().find(|policy| policy.name == was) {
            let mut parties = vec![still.registration];
            parties.extend(heirs.iter().map(|heir| heir.registration));
            let what = format!(
                "[CQRS808] policy `{}` takes over from `{was}`, which is still linked: both would handle its events",
                heirs[0].name
            );
            faults.push(Fault::new(what, &parties, format!("delete `{was}`, or remove `was = \"{was}\"`")));
        } else if heirs.len() > 1 {
            let names: Vec<_> = heirs.iter().map(|heir| format!("`{}`", heir.name)).collect();
            let parties: Vec<_> = heirs.iter().map(|heir| heir.registration).collect();
            let what = format!("[CQRS808] policies {} all take over from `{was}`: only one can", names.join(", "));
            faults.push(Fault::new(what, &parties, format!("keep `was = \"{was}\"` on only one of them")));
        }
    }
}

/// 802: this program describes and checks every command that its policies send.
fn their_commands_are_served(table: &Table, faults: &mut Vec<Fault>) {
    for policy in &table.policies {
        for command in policy.commands() {
            if !table.command_handlers.contains_key(command) {
                faults.push(Fault::new(
                    format!("[CQRS802] policy `{}` sends `{command}`, whose handler is not registered", policy.name),
                    &[policy.registration],
                    "add the handler's module to `.only_modules(..)`",
                ));
            }
        }
    }
}

/// A step from one policy to the next: a command whose handler decides on nothing, and an event that it may emit.
#[derive(Clone, Copy)]
struct Step<'a> {
    from: usize,
    handler: &'a Placed<CommandHandlerInfo>,
    event: &'static str,
    to: usize,
}

/// 807: no policies that feed each other without end. A circle is refused if no handler in it decides on anything (an
/// aggregate, or the tables of its transaction) that could say that the work is done.
fn no_circle_is_endless(table: &Table, faults: &mut Vec<Fault>) {
    let steps: Vec<Vec<Step<'_>>> = (0..table.policies.len()).map(|from| steps(table, from)).collect();
    let mut reported: BTreeSet<usize> = BTreeSet::new();
    for start in 0..table.policies.len() {
        let Some(circle) = shortest_circle(&steps, start).filter(|_| !reported.contains(&start)) else { continue };
        reported.extend(circle.iter().map(|step| step.from));
        faults.push(endless(table, &circle));
    }
}

fn steps(table: &Table, from: usize) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for command in table.policies[from].commands() {
        let Some(handler) = table.command_handlers.get(command).filter(|handler| decides_on_nothing(handler)) else {
            continue;
        };
        for event in handler.emits.names() {
            let listens = |policy: &Placed<PolicyInfo>| policy.reactions.iter().any(|reaction| reaction.event == event);
            let listening = table.policies.iter().enumerate().filter(|(_, policy)| listens(policy));
            steps.extend(listening.map(|(to, _)| Step { from, handler, event, to }));
        }
    }
    steps
}

fn decides_on_nothing(handler: &CommandHandlerInfo) -> bool {
    let stops =
        |parameter: &ParameterInfo| matches!(parameter, ParameterInfo::Aggregate(_) | ParameterInfo::Transaction(_));
    !handler.parameters.iter().any(stops)
}

/// The shortest circle from a policy back to itself.
fn shortest_circle<'a>(steps: &[Vec<Step<'a>>], start: usize) -> Option<Vec<Step<'a>>> {
    let mut came_by: BTreeMap<usize, Step<'a>> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(at) = waiting.pop_front() {
        for step in &steps[at] {
            if came_by.contains_key(&step.to) {
                continue;
            }
            came_by.insert(step.to, *step);
            if step.to == start {
                let mut circle = vec![*step];
                while circle[0].from != start {
                    circle.insert(0, came_by[&circle[0].from]);
                }
                return Some(circle);
            }
            waiting.push_back(step.to);
        }
    }
    None
}

fn endless(table: &Table, circle: &[Step<'_>]) -> Fault {
    let mut parties: Vec<&Registration> = Vec::new();
    let mut way = String::new();
    for step in circle {
        let policy = &table.policies[step.from];
        let (command, function) = (step.handler.command, step.handler.function);
        let (name, event) = (policy.name, step.event);
        let _ = write!(way, "`{name}` sends `{command}`, for which `{function}` emits `{event}`; ");
        parties.extend([policy.registration, step.handler.registration]);
    }
    let first = table.policies[circle[0].from].name;
    Fault::new(
        format!("[CQRS807] policies feed each other without end: {way}to which `{first}` listens again"),
        &parties,
        "let the handler of one of these commands take an aggregate (`&A`) that knows what is already done",
    )
}
