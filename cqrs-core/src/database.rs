//! A database technology: its marker type, and the transactions and connections that handlers take.

use std::ops::{Deref, DerefMut};

use super::debug::opaque_debug;

/// A database technology, as named in `Tx<Db>` and `Reader<Db>`. Adapters implement it for a marker type.
#[diagnostic::on_unimplemented(
    message = "[CQRS205] `{Self}` does not name a database",
    label = "not a database's marker, as `Sqlite` or `Postgres`",
    note = "`Tx<Db>` and `Reader<Db>` name the technology, and neither a log, a store nor a connection",
    note = "write `Tx<Sqlite>` (`cqrs_sqlite::Sqlite`) or `Tx<Postgres>` (`cqrs_postgres::Postgres`)",
    note = "see: cqrs_runtime::rules#cqrs205"
)]
pub trait Database: Send + Sync + 'static {
    /// The transaction that a workflow or an async projection writes through.
    type Transaction: Send + 'static;
    /// The connection that a query reads through. The database itself keeps it read-only.
    type Reader: Send + 'static;
}

/// The transaction that commits the handler's events: what is written through it and the events take effect together,
/// or not at all.
///
/// In a workflow it is a transaction of the write database, in an async projection of the read database.
pub struct Tx<Db: Database>(Db::Transaction);

opaque_debug!([Db: Database] Tx<Db>);

impl<Db: Database> Tx<Db> {
    /// Wraps an adapter's transaction.
    pub fn new(transaction: Db::Transaction) -> Self {
        Self(transaction)
    }

    /// Returns the adapter's transaction.
    pub fn into_inner(self) -> Db::Transaction {
        self.0
    }
}

impl<Db: Database> Deref for Tx<Db> {
    type Target = Db::Transaction;
    fn deref(&self) -> &Db::Transaction {
        &self.0
    }
}

impl<Db: Database> DerefMut for Tx<Db> {
    fn deref_mut(&mut self) -> &mut Db::Transaction {
        &mut self.0
    }
}

/// A connection that the database itself keeps read-only: a query's access to tables that are not views.
pub struct Reader<Db: Database>(Db::Reader);

opaque_debug!([Db: Database] Reader<Db>);

impl<Db: Database> Reader<Db> {
    /// Wraps an adapter's connection.
    pub fn new(connection: Db::Reader) -> Self {
        Self(connection)
    }
}

impl<Db: Database> Deref for Reader<Db> {
    type Target = Db::Reader;
    fn deref(&self) -> &Db::Reader {
        &self.0
    }
}

impl<Db: Database> DerefMut for Reader<Db> {
    fn deref_mut(&mut self) -> &mut Db::Reader {
        &mut self.0
    }
}

/// A database type, at run time.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseInfo {
    /// Compared with the `Db` of a handler's `Tx<Db>`.
    pub type_id: std::any::TypeId,
    /// The type's name, for messages.
    pub name: &'static str,
}

impl DatabaseInfo {
    /// Describes `Db`.
    #[must_use]
    pub fn of<Db: 'static>() -> Self {
        Self { type_id: std::any::TypeId::of::<Db>(), name: std::any::type_name::<Db>() }
    }
}
