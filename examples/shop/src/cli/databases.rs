//! On which databases the program works.

use std::path::PathBuf;

use clap::Args;
use cqrs_runtime::App;
use shop::{Place, Places};

use super::Failure;

/// What the command line says about them.
#[derive(Args)]
pub struct Options {
    /// Where the log lives: `sqlite:PATH` (or a path alone), `postgres://user:password@host:port/database?schema=NAME`, or
    /// `memory:`, which ends with the program. What is not there is made; `sqlite:shop.db` unless told otherwise.
    #[arg(long, global = true, value_name = "URL")]
    write: Option<Place>,
    /// Short for `--write sqlite:PATH`.
    #[arg(long, global = true, value_name = "PATH")]
    db: Option<PathBuf>,
    /// 1: the views live beside the log, and are updated with each command. 2: they live in a place of their own, and follow.
    #[arg(long, global = true, value_name = "LEVEL", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    level: u8,
    /// At level 2, where the views live, written as for `--write`, or `redis://host:port/number`, or (in a shop built with
    /// `--features mongodb`) `mongodb://host:port/database`. Unless told otherwise beside the log: the file `shop-views.db` beside
    /// `shop.db`, the schema `public_views` beside `public`.
    #[arg(long, global = true, value_name = "URL")]
    read: Option<Place>,
    /// Where the details of orders live, written as for `--read`, if not with the other views: they are found by their key
    /// alone, which Redis is good at.
    #[arg(long, global = true, value_name = "URL")]
    details: Option<Place>,
}

/// What the shop is opened on.
pub struct Databases(Places);

impl Options {
    /// Puts them together.
    pub fn databases(self) -> Result<Databases, Failure> {
        let write = match (self.write, self.db) {
            (Some(_), Some(_)) => {
                return Err("`--write` and `--db` both say where the log lives: write one of them".into());
            }
            (Some(write), None) => write,
            (None, db) => Place::Sqlite(db.unwrap_or_else(|| "shop.db".into())),
        };
        let read = match (self.level, self.read) {
            (1, None) => None,
            (1, Some(_)) => {
                return Err(
                    "`--read` names where the views live, which is a place of their own at `--level 2`: write that as \
                     well, or leave `--read` out"
                        .into(),
                );
            }
            (_, read) => Some(read.unwrap_or_else(|| write.beside())),
        };
        Ok(Databases(Places { write, read, details: self.details }))
    }
}

impl Databases {
    /// Opens the shop there, makes what is not there, and closes it when the work is done.
    pub async fn open<T>(&self, work: impl AsyncFnOnce(&App) -> Result<T, Failure>) -> Result<T, Failure> {
        let app = shop::open(&self.0).await?;
        let done = work(&app).await;
        app.close().await;
        done
    }

    /// The same with a shop that somebody has made. Only commands make one: a question about a file that is not there has a
    /// misspelt path more often than not.
    pub async fn existing<T>(&self, work: impl AsyncFnOnce(&App) -> Result<T, Failure>) -> Result<T, Failure> {
        match &self.0.write {
            Place::Sqlite(path) if !path.try_exists()? => {
                Err(format!("there is no file `{}`; `shop` or `shop load` makes one", path.display()).into())
            }
            Place::Memory => {
                Err("a shop in memory ends with the program, so there is nothing to ask: `shop` and `shop load` work \
                     in memory, and all else with `--write sqlite:PATH` or `--write postgres://..`"
                    .into())
            }
            _ => self.open(work).await,
        }
    }

    /// Where the log lives, for people.
    pub fn write(&self) -> &Place {
        &self.0.write
    }

    /// Where the views live, for people.
    pub fn read(&self) -> Option<&Place> {
        self.0.read.as_ref()
    }

    /// The options that lead here again, each after a space; a password is to be filled in.
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
