//! An order shop: the example application of `cqrs-runtime`.
//!
//! | module | holds |
//! | --- | --- |
//! | [`contracts`] | what callers send and what the log keeps: ids, commands, their errors, events |
//! | [`pricing`] | plain domain code: what an order costs |
//! | [`write`](mod@write) | the write side: aggregates, and one decision a command |
//! | [`read`] | the read side: views, the projections that fold them, and the queries that ask them |
//! | [`place`] | where the log and the views live: in memory, in SQLite, in PostgreSQL; views also in Redis, in MongoDB |
//! | [`acceptance`] | what any write side of this shop must do, as a test of whoever has one |
//!
//! Nothing lists the handlers: each is found by its annotation, and [`open`] is the whole composition root, on any of
//! those databases and at either level.

pub mod acceptance;
pub mod contracts;
pub mod place;
pub mod pricing;
pub mod read;
pub mod write;

use cqrs_runtime::App;

pub use place::{OpenError, Place};

/// Opens the shop, and makes what is not there. Without a place of their own the views live beside the log and are updated with
/// each command (level 1); with one, a task of the app keeps them in step there (level 2).
///
/// # Errors
/// See [`OpenError`].
pub async fn open(write: &Place, read: Option<&Place>) -> Result<App, OpenError> {
    if let Some(read) = read.filter(|read| *write == Place::Memory && **read != Place::Memory) {
        return Err(OpenError::Outlives(read.to_string()));
    }
    let log = write.log().await?;
    let mut app = App::builder().shared_log(log.clone());
    if let Some(read) = read {
        let views = read.views().await?;
        if views.describe() == log.describe() {
            return Err(OpenError::SamePlace(log.describe()));
        }
        app = app.shared_views(views);
    }
    Ok(app.build().await?)
}

/// The README's programs compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
