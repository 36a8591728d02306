//! This team's own rules, as tests of what must not compile: `cqrs_runtime::guide::your_own_rules` says how.

use std::env;
use std::process::Command;

/// Says to the macros that errors are to be short: the rule and what is wrong, which no release rewords.
const MESSAGES: &str = "CQRS_MESSAGES";

#[test]
fn what_the_shop_forbids_does_not_compile() {
    if env::var_os(MESSAGES).is_some() {
        trybuild::TestCases::new().compile_fail("tests/rules/*_does_not_compile.rs");
        return;
    }
    // A variable is set for another process: for this test again.
    let mut again = Command::new(env::current_exe().expect("this test's own path"));
    let ran = again
        .args(["--exact", "what_the_shop_forbids_does_not_compile", "--nocapture"])
        .env(MESSAGES, "short")
        .status();
    assert!(ran.expect("this test runs again").success(), "see above");
}
