//! What the expansion of a query handler uses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::bus::services::Services;
use crate::model::consistency::After;
use crate::model::error::QueryError;
use crate::model::parameters::{ReadOnly, State};
use crate::projection::views::Views;
use cqrs_core::database::{Database, Reader};
use cqrs_core::debug::opaque_debug;
use cqrs_core::meta::Meta;
use cqrs_core::store_error::{BoxFuture, StoreError};
use cqrs_core::view::{View, ViewStore};

/// The context of one call of a query.
pub struct QueryContext {
    services: Arc<Services>,
    meta: Meta,
    after: Option<After>,
    /// The handles of the stores that it reads, by the stores' addresses.
    snapshots: Mutex<HashMap<usize, Arc<dyn ViewStore>>>,
}

opaque_debug!(QueryContext { meta });

impl QueryContext {
    pub(crate) fn new(services: Arc<Services>, meta: Meta, after: Option<After>) -> Self {
        Self { services, meta, after, snapshots: Mutex::default() }
    }

    /// The metadata of the query.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The handle through which all parameters read a store, so that they see one state of it.
    fn one_state_of(&self, store: &Arc<dyn ViewStore>) -> Arc<dyn ViewStore> {
        let mut snapshots = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = snapshots.entry(store.address().addr());
        Arc::clone(handle.or_insert_with(|| store.snapshot().unwrap_or_else(|| Arc::clone(store))))
    }

    /// A parameter of the handler.
    ///
    /// # Errors
    /// The read side cannot be reached, or has not reached the position that the caller asked for.
    // Boxed, so that a parameter that is refused is refused once: the future's type does not repeat the bound.
    #[must_use]
    pub fn get<P: QueryParameter>(&self) -> BoxFuture<'_, Result<P, QueryError>> {
        Box::pin(P::from_context(self))
    }
}

/// A parameter that a query handler may take after its query.
#[diagnostic::on_unimplemented(
    message = "[CQRS303] a query cannot take `{Self}`",
    label = "not `Views<V>`, `Reader<Db>`, `State<T>` of a `ReadOnly` service, or `&Meta`",
    note = "asking a question must not change the answer: a query can be handed nothing that writes",
    note = "read a view (`Views<V>`) or tables (`Reader<Db>`); what changes state belongs in a `#[command]`",
    note = "see: cqrs_runtime::rules#cqrs303"
)]
pub trait QueryParameter: Sized + Send + 'static {
    /// Takes it from the app.
    #[doc(hidden)]
    fn from_context(context: &QueryContext) -> impl Future<Output = Result<Self, QueryError>> + Send;
}

impl<T: ?Sized + ReadOnly + Send + Sync + 'static> QueryParameter for State<T> {
    async fn from_context(context: &QueryContext) -> Result<Self, QueryError> {
        Ok(context.services.state())
    }
}

impl<V: View> QueryParameter for Views<V> {
    async fn from_context(context: &QueryContext) -> Result<Self, QueryError> {
        context.services.wait_for_view(context.after, V::LAYOUT.name).await?;
        Ok(context.services.view_in(|store| context.one_state_of(store))?)
    }
}

impl<Db: Database> QueryParameter for Reader<Db> {
    async fn from_context(context: &QueryContext) -> Result<Self, QueryError> {
        let views = context.services.readable::<Db>(context.after).await?;
        let store = views.describe();
        let reader = views.reader().await?.downcast::<Db::Reader>().map_err(|_| StoreError::Failed {
            store,
            reason: format!("it has no reader of the type in `Reader<{}>`", std::any::type_name::<Db>()),
        })?;
        Ok(Self::new(*reader))
    }
}
