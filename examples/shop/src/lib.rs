//! An order shop: the example application of `cqrs-runtime`.
//!
//! | module | holds |
//! | --- | --- |
//! | [`contracts`] | what callers send and what the log keeps: ids, commands, their errors, events |
//! | [`pricing`] | plain domain code: what an order costs |
//! | [`write`](mod@write) | the write side: aggregates, and one decision a command |
//! | [`read`] | the read side: views, the projections that fold them, and the queries that ask them |
//! | [`acceptance`] | what any write side of this shop must do, as a test of whoever has one |
//!
//! Nothing lists the handlers: each is found by its annotation, and [`open`] is the whole composition root;
//! [`open_apart`] is that of the same shop at level 2.

pub mod acceptance;
pub mod contracts;
pub mod pricing;
pub mod read;
pub mod write;

use std::error::Error;
use std::path::Path;

use cqrs_runtime::App;
use cqrs_sqlite::{SqliteLog, SqliteViews};

/// Opens the shop on a `SQLite` file, and makes the file if there is none. Log and views live in it side by side (level 1).
pub async fn open(path: &Path) -> Result<App, Box<dyn Error + Send + Sync>> {
    Ok(App::builder().log(SqliteLog::open(path).await?).build().await?)
}

/// Opens the shop on two files, and makes them if there are none: the log in one, the views in the other, which a task of the
/// app keeps in step (level 2).
pub async fn open_apart(log: &Path, views: &Path) -> Result<App, Box<dyn Error + Send + Sync>> {
    Ok(App::builder().log(SqliteLog::open(log).await?).views(SqliteViews::open(views).await?).build().await?)
}

/// The README's programs compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
