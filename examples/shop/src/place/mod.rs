//! Where a shop keeps its log, or its views.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "mongodb")]
use cqrs_mongodb::MongoViews;
use cqrs_postgres::{PostgresLog, PostgresViews};
use cqrs_redis::RedisViews;
use cqrs_runtime::log::{EventLog, MemoryLog};
use cqrs_runtime::view::{MemoryViews, ViewStore};
use cqrs_sqlite::{SqliteLog, SqliteViews};

mod url;

pub use url::NoPlace;

/// A database, as a URL names it.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// `memory:`. It lives as long as the program.
    Memory,
    /// `sqlite:PATH`, or a path alone.
    Sqlite(PathBuf),
    /// `postgres://user:password@host:port/database?schema=NAME`.
    Postgres {
        /// The URL, as PostgreSQL's own tools read it: without the schema.
        url: String,
        /// The schema, `public` unless told otherwise.
        schema: String,
    },
    /// `redis://user:password@host:port/number`, for views alone.
    Redis(String),
    /// `mongodb://user:password@host:port/database`, for views alone.
    Mongo(String),
}

/// Where a shop's parts live.
#[derive(Clone, PartialEq, Eq)]
pub struct Places {
    /// The log.
    pub write: Place,
    /// The views, kept in step there by a task of the app (level 2). Without a place of their own they live beside the log and
    /// are updated with each command (level 1).
    pub read: Option<Place>,
    /// The details of orders, which are found by their key alone, where they do not live with the other views.
    pub details: Option<Place>,
}

impl Place {
    /// Opens it as a log, and makes what is not there.
    pub(crate) async fn log(&self) -> Result<Arc<dyn EventLog>, OpenError> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryLog::new()),
            Self::Sqlite(path) => Arc::new(SqliteLog::open(path).await.map_err(|error| self.failed(error))?),
            Self::Postgres { url, schema } => {
                let log = PostgresLog::builder(url).schema(schema).open().await;
                Arc::new(log.map_err(|error| self.failed(error))?)
            }
            Self::Redis(_) | Self::Mongo(_) => return Err(OpenError::ViewsAlone(self.to_string())),
        })
    }

    /// Opens it for views alone, and makes what is not there.
    pub(crate) async fn views(&self) -> Result<Arc<dyn ViewStore>, OpenError> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryViews::new()),
            Self::Sqlite(path) => Arc::new(SqliteViews::open(path).await.map_err(|error| self.failed(error))?),
            Self::Postgres { url, schema } => {
                let views = PostgresViews::builder(url).schema(schema).open().await;
                Arc::new(views.map_err(|error| self.failed(error))?)
            }
            Self::Redis(url) => Arc::new(RedisViews::open(url).await.map_err(|error| self.failed(error))?),
            #[cfg(feature = "mongodb")]
            Self::Mongo(url) => Arc::new(MongoViews::open(url).await.map_err(|error| self.failed(error))?),
            #[cfg(not(feature = "mongodb"))]
            Self::Mongo(_) => return Err(OpenError::NotBuiltIn(self.to_string())),
        })
    }

    /// Where the views of a log live that is here, unless told otherwise: `shop-views.db` for `shop.db`, and the schema
    /// `public_views` for `public`.
    #[must_use]
    pub fn beside(&self) -> Self {
        match self {
            Self::Memory => Self::Memory,
            Self::Sqlite(path) => {
                let mut name = path.file_stem().unwrap_or_default().to_owned();
                name.push("-views");
                let mut views = path.with_file_name(name);
                if let Some(extension) = path.extension() {
                    views.as_mut_os_string().push(".");
                    views.as_mut_os_string().push(extension);
                }
                Self::Sqlite(views)
            }
            Self::Postgres { url, schema } => Self::Postgres { url: url.clone(), schema: format!("{schema}_views") },
            Self::Redis(_) | Self::Mongo(_) => self.clone(),
        }
    }

    fn failed(&self, error: impl Error + Send + Sync + 'static) -> OpenError {
        let advice = match self {
            Self::Postgres { .. } => {
                "; write `postgres://user:password@host:port/database`, of a server that runs and a database that is there"
            }
            Self::Redis(_) => "; write `redis://user:password@host:port/number`, of a server that runs",
            Self::Mongo(_) => "; write `mongodb://user:password@host:port/database`, of a server that runs",
            Self::Memory | Self::Sqlite(_) => "",
        };
        OpenError::Place { place: self.to_string(), advice, source: Box::new(error) }
    }
}

/// Why a shop could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A database could not be opened.
    #[error("cannot open `{place}`: {source}{advice}")]
    Place {
        /// Which one, without its password.
        place: String,
        /// What to do about it.
        advice: &'static str,
        /// What it said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The log and the views of level 2 are to live in one place.
    #[error(
        "{0} is to hold the log, and the views apart from it as well: name another place for the views, or use level 1"
    )]
    SamePlace(String),
    /// The log ends with the program, and the views do not: the next log would begin anew, and they would not.
    #[error(
        "`{0}` cannot hold the views of a log in memory, which they would outlive: write `memory:` for them as well"
    )]
    Outlives(String),
    /// No log lives there.
    #[error(
        "`{0}` holds views alone: a log needs a database whose transactions are never lost; write `sqlite:PATH` or \
         `postgres://..` for it, and this one, at level 2, for the views"
    )]
    ViewsAlone(String),
    /// This program lacks what it takes.
    #[error("`{0}` cannot be opened: this shop was built without MongoDB; build it with `--features mongodb`")]
    NotBuiltIn(String),
    /// The app could not be started.
    #[error(transparent)]
    Build(#[from] cqrs_runtime::BuildError),
}
