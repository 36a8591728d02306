//! Handler parameters other than the message: a handler's parameters are its capabilities.

use cqrs_core::debug::opaque_debug;
use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

pub use cqrs_core::database::{Database, Reader, Tx};

/// A service that the app has (`App::builder().state(service)`): a payment gateway, a clock, a price list.
///
/// A workflow may take any service, a query only one that is [`ReadOnly`].
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

/// A service that changes nothing, which a query may take as `State<T>`. This is a promise by its author, which the
/// compiler cannot check.
#[diagnostic::on_unimplemented(
    message = "[CQRS303] a query cannot take `State<{Self}>`",
    label = "`{Self}` does not say that it is `ReadOnly`",
    note = "asking a question must not change the answer, and a service might",
    note = "if it changes nothing, say so: `impl ReadOnly for {Self} {{}}`; if it does, the work belongs in a `#[command] async fn`",
    note = "see: cqrs_runtime::rules#cqrs303"
)]
pub trait ReadOnly {}

/// The read side in a workflow. It may lag behind the log, and the type says so.
///
/// Use it for what need not be exact (a greeting, a default). Everything that a command must not get wrong belongs in an
/// aggregate.
#[derive(Debug)]
pub struct Stale<T>(pub(crate) T);

impl<T> Deref for Stale<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// The database transaction of a workflow, before the handler's type is known.
pub struct Transaction<'a>(pub(crate) Option<&'a mut (dyn Any + Send)>);

opaque_debug!(Transaction<'_>);

impl<'a> Transaction<'a> {
    /// Returns it as the handler's parameter `&mut T`.
    ///
    /// # Panics
    /// If the log's database is another one. `App::build` refuses that.
    pub fn get<T: TransactionParameter<'a>>(&mut self) -> T {
        T::of(self.0.take().expect("a handler has one transaction parameter, which the macro checks"))
    }
}

/// What a handler may take as `&mut`: the transaction, `&mut Tx<Db>`.
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
    /// If the log's database is another one. `App::build` refuses that.
    #[doc(hidden)]
    fn of(transaction: &'a mut (dyn Any + Send)) -> Self;
}

impl<'a, Db: Database> TransactionParameter<'a> for &'a mut Tx<Db> {
    fn of(transaction: &'a mut (dyn Any + Send)) -> Self {
        let name = std::any::type_name::<Tx<Db>>();
        transaction
            .downcast_mut()
            .unwrap_or_else(|| panic!("{name} is not the log's database, although `App::build` checks for that"))
    }
}
