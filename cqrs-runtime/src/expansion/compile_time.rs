//! Functions for constants: checks while compiling, and names.

use cqrs_core::event_list::TagInfo;

/// Whether two names are one.
#[must_use]
pub const fn same_name(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// How many of an event's tags have this prefix. The tag that stands in for those of a faulty event has none, and counts.
#[must_use]
pub(crate) const fn tags_of(tags: &[TagInfo], prefix: &str) -> usize {
    let (mut at, mut found) = (0, 0);
    while at < tags.len() {
        if tags[at].prefix.is_empty() || same_name(tags[at].prefix, prefix) {
            found += 1;
        }
        at += 1;
    }
    found
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

/// Whether two lists, neither of which repeats itself, hold the same names in any order.
#[must_use]
pub const fn same_events(one: &[&str], other: &[&str]) -> bool {
    let mut at = 0;
    while at < one.len() {
        let mut against = 0;
        while against < other.len() && !same_name(one[at], other[against]) {
            against += 1;
        }
        if against == other.len() {
            return false;
        }
        at += 1;
    }
    one.len() == other.len()
}
