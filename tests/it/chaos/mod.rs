//! What level 2 promises, while everything that can fail does.
//!
//! `CQRS_CRASH_ROUNDS` says how often, `CQRS_SEED` makes the choices of a run again, and `CQRS_REBUILD_EVENTS` says how many events a
//! view is rebuilt from.

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
