//! Functions for constants: checks while compiling, and names.

use crate::model::rejection::RejectionCode;
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

/// Whether no two variants have one code, those of wrapped errors included.
#[must_use]
pub const fn distinct(codes: &[RejectionCode]) -> bool {
    let mut rest = codes;
    while let [first, others @ ..] = rest {
        if shares(first, others) {
            return false;
        }
        rest = others;
    }
    true
}

/// Whether one of this variant's codes is among those of the others.
const fn shares(one: &RejectionCode, others: &[RejectionCode]) -> bool {
    if one.wraps.is_empty() {
        return has_code(others, one.code);
    }
    let mut rest = one.wraps;
    while let [first, more @ ..] = rest {
        if shares(first, others) {
            return true;
        }
        rest = more;
    }
    false
}

const fn has_code(codes: &[RejectionCode], code: &str) -> bool {
    let mut rest = codes;
    while let [first, more @ ..] = rest {
        let is_there = if first.wraps.is_empty() { same_name(first.code, code) } else { has_code(first.wraps, code) };
        if is_there {
            return true;
        }
        rest = more;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn code(code: &'static str, wraps: &'static [RejectionCode]) -> RejectionCode {
        RejectionCode { code, status: None, wraps, docs: "", members: &[] }
    }

    #[test]
    fn codes_of_wrapped_errors_count_in_place_of_their_wrapper() {
        const INNER: &[RejectionCode] = &[code("A", &[]), code("B", &[])];
        const OUTER: &[RejectionCode] = &[code("A", INNER), code("C", &[])];
        const DEEP: &[RejectionCode] = &[code("X", OUTER), code("X2", &[]), code("Y", &[code("Z", &[])])];
        assert!(distinct(&[]) && distinct(INNER) && distinct(OUTER));
        assert!(distinct(DEEP));
        for twice in [
            [code("A", &[]), code("A", &[])],
            [code("W", INNER), code("B", &[])],
            [code("B", &[]), code("W", OUTER)],
            [code("V", INNER), code("W", OUTER)],
        ] {
            assert!(!distinct(&twice), "{twice:?}");
        }
    }
}
