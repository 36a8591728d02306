//! Which events a handler may emit, known while compiling; and that the aggregates it decides on fold them (rule 407).

use super::compile_time::{is_among, same_name};
use crate::expansion::rules::Rule;
use crate::expansion::text::Text;
use crate::model::parameter_info::{AggregateEvents, ParameterInfo};
use cqrs_core::event_list::{EventList, TagInfo};

/// 407: refuses a handler that may emit an event of an aggregate it decides on which that aggregate neither folds nor ignores.
///
/// # Panics
/// If there is such an event: while compiling, since it is called in constants only.
#[track_caller]
pub const fn require_folded(parameter: ParameterInfo, emits: &EventList, rule: Rule, names: &[&str]) {
    let ParameterInfo::Aggregate(aggregate) = parameter else { return };
    let mut text = rule.begin(names);
    let start = text.length();
    add_forgotten(&aggregate, emits, &mut text, start);
    if text.length() > start {
        text.push("`");
        rule.end(names, &mut text);
        panic!("{}", text.as_str());
    }
}

const fn add_forgotten(aggregate: &AggregateEvents, emits: &EventList, text: &mut Text, start: usize) {
    match emits {
        EventList::One { name, tags } => {
            if forgets(aggregate, name, tags) {
                text.push(if text.length() == start { ": `" } else { "`, `" });
                text.push(name);
            }
        }
        EventList::All(lists) => {
            let mut at = 0;
            while at < lists.len() {
                add_forgotten(aggregate, lists[at], text, start);
                at += 1;
            }
        }
    }
}

/// Whether the aggregate forgets an event that carries its tag.
const fn forgets(aggregate: &AggregateEvents, event: &str, tags: &[TagInfo]) -> bool {
    let mut tagged = false;
    let mut at = 0;
    while at < tags.len() {
        // The tag that stands in for those of a faulty event has no prefix.
        tagged |= !tags[at].prefix.is_empty() && same_name(tags[at].prefix, aggregate.prefix);
        at += 1;
    }
    // What stands in for a faulty aggregate folds nothing, and has its own error.
    tagged && !aggregate.folded.is_empty() && !is_among(event, aggregate.folded) && !is_among(event, aggregate.ignored)
}
