//! An order shop: the example application of `cqrs-runtime`.
//!
//! | module | content |
//! | --- | --- |
//! | [`contracts`] | the messages and events: ids, commands, their errors, events |
//! | [`pricing`] | plain domain code: what an order costs |
//! | [`write`](mod@write) | the write side: aggregates, and one decision per command |
//! | [`read`] | the read side: views, the projections that fold them, and their queries |
//! | [`place`] | where the log and the views are stored: in memory, SQLite or PostgreSQL; views also in Redis or MongoDB |
//! | [`http`] | the shop over HTTP, with its OpenAPI document |
//! | [`acceptance`] | a test of what every write side of this shop must do |
//!
//! There is no list of handlers: each is found by its annotation. [`open`] is the whole composition root, for all of
//! those databases and both levels.

pub mod acceptance;
pub mod contracts;
pub mod http;
pub mod place;
pub mod pricing;
pub mod read;
pub mod write;

use cqrs_runtime::App;

pub use place::{OpenError, Place, Places};
use read::OrderDetail;

/// Opens the shop, and creates what is missing.
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
    let mut app = App::builder().log(log.clone());
    if let Some(read) = read {
        app = app.views(apart(read).await?);
    }
    if let Some(details) = details {
        app = app.views_of::<OrderDetail>(apart(details).await?);
    }
    Ok(app.build().await?)
}

/// The README's programs compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
