//! Opening a server.

use std::fmt;
use std::time::Duration;

use cqrs_runtime::secrets::hide;
use mongodb::bson::doc;
use mongodb::options::{ClientOptions, ReadConcern, ReadPreference, SelectionCriteria};
use mongodb::{Client, Database};

use crate::error::OpenError;
use crate::views::MongoViews;

/// The first version of the protocol that a server may speak.
const OLDEST: i32 = 9;

/// How long to look for a server, unless the URL says otherwise.
const LOOKED: Duration = Duration::from_secs(5);

/// How to open [`MongoViews`].
#[derive(Clone)]
pub struct MongoViewsBuilder {
    url: String,
    prefix: String,
    patience: Duration,
}

/// Without the URL, which holds a password.
impl fmt::Debug for MongoViewsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoViewsBuilder")
            .field("prefix", &self.prefix)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl MongoViewsBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), prefix: "cqrs.".to_owned(), patience: Duration::from_secs(30) }
    }

    /// What the name of every collection of the store begins with: `cqrs.`, unless said otherwise. Stores of different prefixes
    /// know nothing of each other.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long to wait for an answer before it counts as lost: 30 seconds, unless said otherwise. A server that cannot be found
    /// is given up after 5 seconds, or the URL's `serverSelectionTimeoutMS`.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Connects to the server, and looks whether it can hold views.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(self) -> Result<MongoViews, OpenError> {
        if self.url.starts_with("mongodb+srv://") && !cfg!(feature = "srv") {
            return Err(OpenError::BadUrl("`mongodb+srv://` needs the feature `srv` of `cqrs-mongodb`".into()));
        }
        let options = ClientOptions::parse(&self.url).await;
        let mut options = options.map_err(|error| OpenError::BadUrl(hide(&error.kind.to_string(), &self.url)))?;
        let Some(database) = options.default_database.clone() else {
            return Err(OpenError::BadUrl("it names no database".into()));
        };
        options.server_selection_timeout.get_or_insert(LOOKED);
        options.connect_timeout.get_or_insert(LOOKED);
        // What is written is looked at right after.
        options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        options.read_concern = Some(ReadConcern::local());
        options.write_concern = None;
        let hosts: Vec<String> = options.hosts.iter().map(ToString::to_string).collect();
        let server = format!("{}/{database}", hosts.join(","));
        let failed = |reason: String| OpenError::Failed { server: server.clone(), reason: hide(&reason, &self.url) };
        let client = Client::with_options(options)
            .map_err(|error| OpenError::BadUrl(hide(&error.kind.to_string(), &self.url)))?;
        let database = client.database(&database);
        let checked = tokio::time::timeout(self.patience, version(&database)).await;
        let found = checked.map_err(|_| failed("no answer came in time".into()))?;
        let found = found.map_err(|error| failed(error.kind.to_string()))?;
        if found < OLDEST {
            return Err(OpenError::TooOld { server, found });
        }
        let store = format!("the views in MongoDB at {server} (`{}`)", self.prefix);
        Ok(MongoViews::new(database, store, self.prefix, self.patience))
    }
}

async fn version(database: &Database) -> Result<i32, mongodb::error::Error> {
    // Asks for something that only an authenticated user may have.
    database.run_command(doc! { "listCollections": 1, "nameOnly": true, "authorizedCollections": true }).await?;
    let hello = database.run_command(doc! { "hello": 1 }).await?;
    Ok(hello.get_i32("maxWireVersion").unwrap_or(0))
}
