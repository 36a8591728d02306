//! The rules that only the compiler can decide, and how a breach of one reads.

use crate::expansion::text::Text;

/// One rule. An expansion names it, with the user's own names, in place of its whole text.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    code: u16,
    /// What is wrong. `{0}`, `{1}` … stand for the user's names, here and in `instead`.
    what: &'static str,
    why: &'static str,
    instead: &'static str,
    is_short: bool,
}

// From the table in `cqrs-macros`, which has the other rules too.
cqrs_macros::rules_of_the_compiler!();

impl Rule {
    /// The same without its reason and remedy, for outputs that are compared: `CQRS_MESSAGES=short`.
    #[must_use]
    pub const fn short(mut self) -> Self {
        self.is_short = true;
        self
    }

    /// What is wrong, to which more may be said.
    pub(super) const fn begin(&self, names: &[&str]) -> Text {
        let mut text = Text::new();
        text.push("[CQRS");
        text.push_number(self.code);
        text.push("] ");
        text.push_filled(self.what, names);
        text
    }

    /// The rest of the message.
    pub(super) const fn end(&self, names: &[&str], text: &mut Text) {
        if !self.is_short {
            text.push("\n  why: ");
            text.push(self.why);
            text.push("\n  instead: ");
            text.push_filled(self.instead, names);
        }
        text.push("\n  see: cqrs_runtime::rules#cqrs");
        text.push_number(self.code);
    }
}

/// Refuses what the macros cannot see and the compiler can: where `condition` is false, a breach of `rule` is the compile error, at the
/// place that this is called from.
///
/// # Panics
/// Where `condition` is false: while compiling, since it is called in constants only.
#[track_caller]
pub const fn require(condition: bool, rule: Rule, names: &[&str]) {
    if !condition {
        let mut text = rule.begin(names);
        rule.end(names, &mut text);
        panic!("{}", text.as_str());
    }
}
