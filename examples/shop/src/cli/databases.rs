//! The databases that the program works on.

use std::path::PathBuf;

use clap::Args;
use cqrs_runtime::App;
use shop::{Place, Places};

use super::Failure;

/// The command line options for databases.
#[derive(Args)]
pub struct Options {
    /// Where the log is stored: `sqlite:PATH` (or just a path), `postgres://user:password@host:port/database?schema=NAME`,
    /// or `memory:`, which ends with the program. What is missing is created. Default: `sqlite:shop.db`.
    #[arg(long, global = true, value_name = "URL")]
    write: Option<Place>,
    /// Short for `--write sqlite:PATH`.
    #[arg(long, global = true, value_name = "PATH")]
    db: Option<PathBuf>,
    /// 1: views are stored in the log's database, and updated with each command. 2: views are stored separately, and follow
    /// the log.
    #[arg(long, global = true, value_name = "LEVEL", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    level: u8,
    /// Where the views of level 2 are stored: as for `--write`, or `redis://host:port/number`, or (in a shop built with
    /// `--features mongodb`) `mongodb://host:port/database`. Default: next to the log: the file `shop-views.db` for `shop.db`, the
    /// schema `public_views` for `public`.
    #[arg(long, global = true, value_name = "URL")]
    read: Option<Place>,
    /// Where the order details are stored, as for `--read`. They are found by key only, which suits Redis. Default: with
    /// the other views.
    #[arg(long, global = true, value_name = "URL")]
    details: Option<Place>,
}

/// The places that the shop is opened on.
pub struct Databases(Places);

impl Options {
    /// Combines the options.
    pub fn databases(self) -> Result<Databases, Failure> {
        let write = match (self.write, self.db) {
            (Some(_), Some(_)) => {
                return Err("`--write` and `--db` both set the place of the log: use one of them".into());
            }
            (Some(write), None) => write,
            (None, db) => Place::Sqlite(db.unwrap_or_else(|| "shop.db".into())),
        };
        let read = match (self.level, self.read) {
            (1, None) => None,
            (1, Some(_)) => {
                return Err("`--read` sets the place of the views, which level 1 does not use: add `--level 2`, \
                     or remove `--read`"
                    .into());
            }
            (_, read) => Some(read.unwrap_or_else(|| write.beside())),
        };
        Ok(Databases(Places { write, read, details: self.details }))
    }
}

impl Databases {
    /// Opens the shop, creates what is missing, and closes it when the work is done.
    pub async fn open<T>(&self, work: impl AsyncFnOnce(&App) -> Result<T, Failure>) -> Result<T, Failure> {
        let app = shop::open(&self.0).await?;
        let done = work(&app).await;
        app.close().await;
        done
    }

    /// Opens an existing shop. Only commands create one: a question about a missing file usually has a misspelt path.
    pub async fn existing<T>(&self, work: impl AsyncFnOnce(&App) -> Result<T, Failure>) -> Result<T, Failure> {
        match &self.0.write {
            Place::Sqlite(path) if !path.try_exists()? => {
                Err(format!("there is no file `{}`; `shop` or `shop load` creates one", path.display()).into())
            }
            Place::Memory => {
                Err("a shop in memory ends with the program and has nothing to show: only `shop` and `shop load` work \
                     in memory; use `--write sqlite:PATH` or `--write postgres://..`"
                    .into())
            }
            _ => self.open(work).await,
        }
    }

    /// Where the log is stored, for messages.
    pub fn write(&self) -> &Place {
        &self.0.write
    }

    /// Where the views are stored, for messages.
    pub fn read(&self) -> Option<&Place> {
        self.0.read.as_ref()
    }

    /// The options for the same databases, each after a space. Passwords are left out.
    pub fn options(&self) -> String {
        let Places { write, read, details } = &self.0;
        let write = match write {
            Place::Sqlite(path) if path.as_os_str() == "shop.db" => String::new(),
            Place::Sqlite(path) => format!(" --db '{}'", path.display()),
            write => format!(" --write '{write}'"),
        };
        let read = read.as_ref().map_or_else(String::new, |read| format!(" --level 2 --read '{read}'"));
        let details = details.as_ref().map_or_else(String::new, |details| format!(" --details '{details}'"));
        write + &read + &details
    }
}
