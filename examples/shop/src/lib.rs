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

pub use place::{OpenError, Place, Places};
use read::OrderDetail;

/// Opens the shop, and makes what is not there.
///
/// # Errors
/// See [`OpenError`].
pub async fn open(places: &Places) -> Result<App, OpenError> {
    let Places { write, read, details } = places;
    let outlives = |place: &&Place| *write == Place::Memory && **place != Place::Memory;
    if let Some(place) = read.iter().chain(details).find(outlives) {
        return Err(OpenError::Outlives(place.to_string()));
    }
    let log = write.log().await?;
    let apart = async |place: &Place| {
        let views = place.views().await?;
        if views.describe() == log.describe() { Err(OpenError::SamePlace(log.describe())) } else { Ok(views) }
    };
    let mut app = App::builder().shared_log(log.clone());
    if let Some(read) = read {
        app = app.shared_views(apart(read).await?);
    }
    if let Some(details) = details {
        app = app.shared_views_of::<OrderDetail>(apart(details).await?);
    }
    Ok(app.build().await?)
}

/// The README's programs compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
