//! The runtime from outside: the log and the views in memory, the projection engine, scenarios.

mod ailing;
mod apart;
mod catching_up;
mod club;
mod counting;
mod crowd;
mod doors;
#[cfg(feature = "metrics")]
mod figures;
mod fingerprints;
mod folding;
mod following;
mod handing_over;
mod health;
mod memory;
mod operating;
mod origins;
mod parking;
mod parts;
mod progress;
mod reads;
mod scenarios;
mod stalled;
mod tally;
mod torn;
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
