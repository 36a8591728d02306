//! What must not compile, with its message, and the twin that does.
//!
//! `TRYBUILD=overwrite cargo test -p cqrs-tests --test ui` writes the messages anew: read the difference as a user would.

/// The two sets are apart because one passing case makes trybuild build, rather than check, the whole set.
#[test]
fn what_breaks_a_rule_is_refused() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}

#[test]
fn what_keeps_the_rules_compiles() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}
