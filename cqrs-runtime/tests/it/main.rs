//! The runtime from outside: the log and the views in memory, the projection engine, scenarios.

mod apart;
mod catching_up;
mod club;
mod counting;
mod folding;
mod following;
mod handing_over;
mod memory;
mod operating;
mod origins;
mod parking;
mod scenarios;
mod tally;
mod torn;

/// What a closure's panic says.
fn panic_of(run: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).expect_err("this should have panicked");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("panics are texts")).to_owned(),
    }
}
