//! The runtime from outside: the log and the views in memory, the projection engine, scenarios.

mod catching_up;
mod counting;
mod domains;
mod faulty_store;
mod fingerprints;
mod folding;
mod following;
mod health;
mod memory;
#[cfg(feature = "metrics")]
mod metrics;
mod operating;
mod origins;
mod parking;
mod partitions;
mod progress;
mod reads;
mod scenarios;
mod several_databases;
mod stalled;
mod takeover;
mod torn_commits;
mod values;
mod waiting;

/// What a closure's panic says.
fn panic_of(run: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).expect_err("this should have panicked");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("panics are texts")).to_owned(),
    }
}
