//! What a handler can be given beside its message: its parameters are its capabilities.

use std::any::Any;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A database technology, as `Tx<Db>` and `Reader<Db>` name it. Adapters implement it for a marker type.
#[diagnostic::on_unimplemented(
    message = "[CQRS205] `{Self}` does not name a database",
    label = "not a database's marker, as `Sqlite` or `Postgres`",
    note = "`Tx<Db>` and `Reader<Db>` name the technology, and neither a log, a store nor a connection",
    note = "write `Tx<Sqlite>` (`cqrs_sqlite::Sqlite`) or `Tx<Postgres>` (`cqrs_postgres::Postgres`)",
    note = "see: cqrs_runtime::rules#cqrs205"
)]
pub trait Database: Send + Sync + 'static {
    /// What a workflow or an async projection writes through.
    type Transaction: Send + 'static;
    /// What a query reads through: a connection that the database itself holds read-only.
    type Reader: Send + 'static;
}

/// The transaction that the handler's events are committed with: what is written through it and the events take effect
/// together or not at all.
///
/// In a workflow it is the write database's, in an async projection the read database's.
pub struct Tx<Db: Database>(Db::Transaction);

impl<Db: Database> Tx<Db> {
    /// Wraps an adapter's transaction.
    pub fn new(transaction: Db::Transaction) -> Self {
        Self(transaction)
    }

    /// The adapter's transaction again.
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

/// A connection that the database itself holds read-only: a query's way to tables that are no views.
pub struct Reader<Db: Database>(pub(crate) Db::Reader);

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

/// A service that the app was given (`App::builder().state(service)`): a payment gateway, a clock, a price list.
///
/// A workflow may take any; a query only one that says that it is [`ReadOnly`].
pub struct State<T: ?Sized>(Arc<T>);

impl<T: ?Sized> State<T> {
    /// Wraps a service.
    pub fn new(service: Arc<T>) -> Self {
        Self(service)
    }
}

impl<T: ?Sized> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for State<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("State").field(&&*self.0).finish()
    }
}

/// A service that changes nothing: what a query may be given by `State<T>`. Its author promises it; the compiler cannot
/// look inside.
#[diagnostic::on_unimplemented(
    message = "[CQRS303] a query cannot take `State<{Self}>`",
    label = "`{Self}` does not say that it is `ReadOnly`",
    note = "asking a question must not change the answer, and a service might",
    note = "if it changes nothing, say so: `impl ReadOnly for {Self} {{}}`; if it does, the work belongs in a `#[command] async fn`",
    note = "see: cqrs_runtime::rules#cqrs303"
)]
pub trait ReadOnly {}

/// The read side, in a workflow: behind by as much as its projections lag, and the type says so.
///
/// Good for what need not be exact (a greeting, a default). What a command must not get wrong is decided on an aggregate.
pub struct Stale<T>(pub(crate) T);

impl<T> Deref for Stale<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// The database transaction of a workflow, before the handler names its type.
pub struct Transaction<'a>(pub(crate) Option<&'a mut (dyn Any + Send)>);

impl<'a> Transaction<'a> {
    /// As the handler's parameter `&mut T` has it.
    ///
    /// # Panics
    /// If the log's database is another one, which `App::build` refuses.
    pub fn get<T: TransactionParameter<'a>>(&mut self) -> T {
        T::of(self.0.take().expect("one transaction parameter a handler, which the macro checks"))
    }
}

/// What a handler may take by `&mut`: the transaction, `&mut Tx<Db>`.
#[diagnostic::on_unimplemented(
    message = "[CQRS205] a command handler cannot take `{Self}`",
    label = "not a transaction, `&mut Tx<Db>`",
    note = "state changes by events only: take an aggregate as `&A` and return the event that changes it",
    note = "a workflow that writes to the log's own database takes `&mut Tx<Db>`",
    note = "see: cqrs_runtime::rules#cqrs205"
)]
pub trait TransactionParameter<'a> {
    /// The transaction that the log has begun.
    ///
    /// # Panics
    /// If the log's database is another one, which `App::build` refuses.
    #[doc(hidden)]
    fn of(transaction: &'a mut (dyn Any + Send)) -> Self;
}

impl<'a, Db: Database> TransactionParameter<'a> for &'a mut Tx<Db> {
    fn of(transaction: &'a mut (dyn Any + Send)) -> Self {
        let name = std::any::type_name::<Tx<Db>>();
        transaction.downcast_mut().unwrap_or_else(|| panic!("{name} is not this log's, which `App::build` checks"))
    }
}
