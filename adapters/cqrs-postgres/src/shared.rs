//! An open schema.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::connect::{Place, Purpose};
use crate::connection::Connection;
use crate::error::OpenError;
use crate::options::Options;
use crate::pool::Pool;
use crate::pooler;
use crate::presence::Presence;
use crate::schema::{self, lock_keys};
use crate::text::quoted;
use crate::writer::Writer;

/// The state that the log, its views and its snapshots share.
pub(crate) struct Shared {
    pub(crate) place: Place,
    pub(crate) readers: Pool,
    /// The schema, quoted for SQL.
    pub(crate) schema: String,
    /// The schema's name, unquoted.
    pub(crate) schema_name: String,
    /// The key of the log's advisory lock.
    pub(crate) lock: i64,
    /// The channel of the log's notifications.
    pub(crate) channel: String,
    pub(crate) notify: bool,
    /// The one connection that appends. The mutex is fair: first come, first served.
    pub(crate) writer: Arc<Mutex<Writer>>,
    /// More connections that write, for views. They are opened when several transactions write at
    /// the same time.
    pub(crate) others: std::sync::Mutex<Vec<Arc<Mutex<Writer>>>>,
    /// Shows other processes that this one is alive.
    pub(crate) presence: Presence,
}

impl Shared {
    /// Connects, and creates missing tables.
    pub(crate) async fn open(options: Options) -> Result<Arc<Self>, OpenError> {
        let name = options.schema.as_str();
        if name.is_empty() || name.len() > 63 || name.contains('\0') || name.starts_with("pg_") {
            return Err(OpenError::Schema(options.schema));
        }
        let writer = options.place(&options.url)?;
        let reader = options.place(options.reader_url.as_ref().unwrap_or(&options.url))?;
        let connection = schema::open(&writer, name).await?;
        if options.reader_url.is_some() {
            pooler::refuse(&reader, &reader.connect(Purpose::Read).await?, Purpose::Read).await?;
        }
        Ok(Arc::new(Self::new(connection, writer, reader, &options)))
    }

    fn new(connection: Arc<Connection>, writer: Place, reader: Place, options: &Options) -> Self {
        let lock = lock_keys(&options.schema).0;
        Self {
            place: writer,
            readers: Pool::new(reader, options.readers),
            schema: quoted(&options.schema),
            schema_name: options.schema.clone(),
            lock,
            channel: format!("cqrs_{:016x}", lock.cast_unsigned()),
            notify: options.notify,
            writer: Arc::new(Mutex::new(Writer::new(Some(connection)))),
            others: std::sync::Mutex::default(),
            presence: Presence::new(),
        }
    }
}
