//! Where a shop stores its log or its views.

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
    /// `memory:`. It ends with the program.
    Memory,
    /// `sqlite:PATH`, or just a path.
    Sqlite(PathBuf),
    /// `postgres://user:password@host:port/database?schema=NAME`.
    Postgres {
        /// The URL without the schema, as PostgreSQL's tools read it.
        url: String,
        /// The schema. Default: `public`.
        schema: String,
    },
    /// `redis://user:password@host:port/number`, for views only.
    Redis(String),
    /// `mongodb://user:password@host:port/database`, for views only.
    Mongo(String),
}

/// Where the parts of a shop are stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Places {
    /// The log.
    pub write: Place,
    /// The views, which a task of the app updates (level 2). `None`: they are stored in the log's database and updated with
    /// each command (level 1).
    pub read: Option<Place>,
    /// The order details, which are found by key only. `None`: they are stored with the other views.
    pub details: Option<Place>,
}

impl Place {
    /// Opens the place as a log, and creates what is missing.
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

    /// Opens the place for views, and creates what is missing.
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

    /// The default place for the views of a log that is here: `shop-views.db` for `shop.db`, and the schema
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
                "; write `postgres://user:password@host:port/database`, with a running server and an existing database"
            }
            Self::Redis(_) => "; write `redis://user:password@host:port/number`, with a running server",
            Self::Mongo(_) => "; write `mongodb://user:password@host:port/database`, with a running server",
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
        /// The place, without its password.
        place: String,
        /// What to do about it.
        advice: &'static str,
        /// The database's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The log and the views of level 2 have the same place.
    #[error("`--write` and `--read` are both {0}: choose another place for the views, or use level 1")]
    SamePlace(String),
    /// The log ends with the program, but the views do not: they would not match the next log.
    #[error("`{0}` cannot store the views of a log in memory: they would outlive it; use `memory:` for the views too")]
    Outlives(String),
    /// The place cannot store a log.
    #[error(
        "`{0}` stores only views: a log needs durable transactions; use `sqlite:PATH` or \
         `postgres://..` for the log, and this one for the views of level 2"
    )]
    ViewsAlone(String),
    /// This program was built without the place's adapter.
    #[error("`{0}` cannot be opened: this shop was built without MongoDB; build it with `--features mongodb`")]
    NotBuiltIn(String),
    /// The app could not be started.
    #[error(transparent)]
    Build(#[from] cqrs_runtime::BuildError),
}
