//! The guarantees of level 2, while everything that can fail does fail.
//!
//! `CQRS_CRASH_ROUNDS` sets the number of rounds, `CQRS_SEED` repeats the choices of a run, and `CQRS_REBUILD_EVENTS` sets the
//! number of events from which a view is rebuilt.

mod counters;
mod cuts;
mod kills;
mod load;
mod network;
mod places;
mod rebuild;
mod runner;
mod wakes;
mod watch;
