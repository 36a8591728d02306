//! The shop once more, on tables: the same commands, decided by SQL.
//!
//! This is what a team with an existing schema does. Customers, orders and lines stay the rows that they always were; a
//! command is a workflow that reads and writes them through `&mut Tx<Sqlite>`, and its events are committed in the same
//! transaction. From there on nothing differs: contracts, views and queries are those of [`shop`], and its
//! [acceptance suite](shop::acceptance) passes on both.
//!
//! It is a package of its own since a command has one handler a crate, and `shop` has its own (rule 206). The handlers
//! here are `foreign`, as their messages live elsewhere. As both are linked into this program, [`open`] says which of
//! them serve.

mod customers;
mod orders;
mod tables;

use std::error::Error;
use std::path::Path;

use cqrs_runtime::App;
use cqrs_sqlite::SqliteLog;

/// Opens the shop on a `SQLite` file, with this crate as its write side.
pub async fn open(path: &Path) -> Result<App, Box<dyn Error + Send + Sync>> {
    tables::create(path)?;
    let log = SqliteLog::open(path).await?;
    Ok(App::builder().log(log).only_modules(["shop::contracts", "shop::read", "shop_relational"]).build().await?)
}
