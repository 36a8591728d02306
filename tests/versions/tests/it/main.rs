//! An old and a new version of a program run side by side, on one log and one read database, in processes of their own.
//!
//! `CQRS_CRASH_ROUNDS` says how often one of them is killed, and `CQRS_SEED` makes the choices of a run again.

mod added_view;
mod model;
mod program;
mod side_by_side;
mod traffic;
