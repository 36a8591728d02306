//! Which events a handler may emit, known while compiling; and that the aggregates it decides on fold them (rule 407).

use crate::core::event::TagInfo;
use crate::core::id::Id;
use crate::expansion::text::Text;
use crate::model::aggregate::Aggregate;
use crate::registry::{ParameterInfo, same_name};

/// The events that a handler may emit: [`Events::LIST`](crate::event::Events::LIST).
#[derive(Clone, Copy, Debug)]
pub enum EventList {
    /// One event.
    One {
        /// Its name in the log.
        name: &'static str,
        /// Its `#[tag]` fields.
        tags: &'static [TagInfo],
    },
    /// The events of several lists.
    All(&'static [&'static EventList]),
}

impl EventList {
    /// No event.
    pub const NONE: &'static Self = &Self::All(&[]);

    /// The names of the events, in the order in which they are written. An event may be there twice.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        match self {
            Self::One { name, .. } => vec![name],
            Self::All(lists) => lists.iter().flat_map(|list| list.names()).collect(),
        }
    }
}

/// What an aggregate does about the events of its id's tag.
#[derive(Clone, Copy, Debug)]
pub struct AggregateEvents {
    /// The aggregate's name.
    pub name: &'static str,
    /// The prefix of its tags.
    pub prefix: &'static str,
    /// The names of the events that it folds.
    pub folded: &'static [&'static str],
    /// The names of the events that it ignores, aloud.
    pub ignored: &'static [&'static str],
}

impl AggregateEvents {
    /// Those of aggregate `A`.
    #[must_use]
    pub const fn of<A: Aggregate>() -> Self {
        Self { name: A::NAME, prefix: A::Id::PREFIX, folded: A::EVENTS, ignored: A::IGNORED }
    }

    /// Whether the aggregate forgets an event that carries its tag.
    const fn forgets(&self, event: &str, tags: &[TagInfo]) -> bool {
        let mut tagged = false;
        let mut at = 0;
        while at < tags.len() {
            // The tag that stands in for those of a faulty event has no prefix.
            tagged |= !tags[at].prefix.is_empty() && same_name(tags[at].prefix, self.prefix);
            at += 1;
        }
        // What stands in for a faulty aggregate folds nothing, and has its own error.
        tagged && !self.folded.is_empty() && !is_among(event, self.folded) && !is_among(event, self.ignored)
    }
}

/// Whether a list of names has this one.
#[must_use]
pub const fn is_among(name: &str, names: &[&str]) -> bool {
    let mut at = 0;
    while at < names.len() {
        if same_name(names[at], name) {
            return true;
        }
        at += 1;
    }
    false
}

/// 407: refuses a handler that may emit an event of an aggregate it decides on which that aggregate neither folds nor ignores.
///
/// # Panics
/// If there is such an event: while compiling, since it is called in constants only.
#[track_caller]
pub const fn require_folded(parameter: ParameterInfo, emits: &EventList, what: &str, why_and_instead: &str) {
    let ParameterInfo::Aggregate(aggregate) = parameter else { return };
    let mut text = Text::new();
    text.push(what);
    let start = text.length();
    add_forgotten(&aggregate, emits, &mut text, start);
    if text.length() > start {
        text.push("`");
        text.push(why_and_instead);
        panic!("{}", text.as_str());
    }
}

const fn add_forgotten(aggregate: &AggregateEvents, emits: &EventList, text: &mut Text, start: usize) {
    match emits {
        EventList::One { name, tags } => {
            if aggregate.forgets(name, tags) {
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
