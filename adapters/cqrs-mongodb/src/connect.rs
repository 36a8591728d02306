//! Opening a connection.

use std::time::Duration;

use cqrs_core::secrets::hide;
use mongodb::bson::doc;
use mongodb::options::{ClientOptions, ReadConcern, ReadPreference, SelectionCriteria};
use mongodb::{Client, Database};

use crate::error::OpenError;
use crate::options::MongoViewsBuilder;
use crate::store::Store;

/// The oldest supported version of the protocol.
const OLDEST: i32 = 9;

/// How long to look for a server, unless the URL says otherwise.
const LOOKED: Duration = Duration::from_secs(5);

/// Connects to a server, and checks that it can hold views.
pub(crate) async fn connect(options: MongoViewsBuilder) -> Result<Store, OpenError> {
    let MongoViewsBuilder { url, prefix, response_timeout } = options;
    if url.starts_with("mongodb+srv://") && !cfg!(feature = "srv") {
        return Err(OpenError::BadUrl("`mongodb+srv://` needs the feature `srv` of `cqrs-mongodb`".into()));
    }
    let bad = |error: mongodb::error::Error| OpenError::BadUrl(hide(&error.kind.to_string(), &url));
    let mut options = ClientOptions::parse(&url).await.map_err(bad)?;
    let Some(database) = options.default_database.clone() else {
        return Err(OpenError::BadUrl("it names no database".into()));
    };
    options.server_selection_timeout.get_or_insert(LOOKED);
    options.connect_timeout.get_or_insert(LOOKED);
    // Reads follow right after the writes that they must see.
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    options.read_concern = Some(ReadConcern::local());
    options.write_concern = None;
    let hosts: Vec<String> = options.hosts.iter().map(ToString::to_string).collect();
    let server = format!("{}/{database}", hosts.join(","));
    let failed = |reason: String| OpenError::Failed { server: server.clone(), reason: hide(&reason, &url) };
    let database = Client::with_options(options).map_err(bad)?.database(&database);
    let checked = tokio::time::timeout(response_timeout, version(&database)).await;
    let found = checked.map_err(|_| failed("no answer came in time".into()))?;
    let found = found.map_err(|error| failed(error.kind.to_string()))?;
    if found < OLDEST {
        return Err(OpenError::TooOld { server, found });
    }
    let name = format!("the views in MongoDB at {server} (`{prefix}`)");
    Ok(Store::new(database, name, prefix, response_timeout))
}

async fn version(database: &Database) -> Result<i32, mongodb::error::Error> {
    // This fails without authentication.
    database.run_command(doc! { "listCollections": 1, "nameOnly": true, "authorizedCollections": true }).await?;
    let hello = database.run_command(doc! { "hello": 1 }).await?;
    Ok(hello.get_i32("maxWireVersion").unwrap_or(0))
}
