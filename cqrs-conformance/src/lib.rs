//! The contracts of stores, executable: what every log, view store and snapshot store of `cqrs-runtime` must do.
//!
//! An adapter runs them in its tests, on the real database: [`log::all`], [`snapshots::all`], and [`views::all`] or
//! [`views::alone`]. Each check is a function of its own too. `cqrs-conformance-app` has an app that runs on any view store.

#![warn(missing_debug_implementations)]

pub mod log;
pub mod snapshots;
pub mod views;
