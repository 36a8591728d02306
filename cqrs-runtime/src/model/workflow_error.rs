//! The errors of a workflow, other than its domain's refusal.

use std::any::Any;
use std::error::Error;
use std::fmt;

use crate::model::error::{CommandError, DomainError};
use cqrs_core::store_error::StoreError;

/// Any error, for a workflow that meets more errors than its domain's: `?` converts every error into it.
///
/// If it holds the command's declared error, the command is refused: [`CommandError::Rejected`]. Any other error means that something
/// that the workflow uses has failed: [`CommandError::Unavailable`]. Then nothing was stored, a policy retries the command later, and
/// callers need not match on database errors. So the command's error remains the domain's, without a variant for the database.
///
/// It does not implement [`Error`], since `?` could not convert from every error then.
///
/// ```standalone_crate
/// use cqrs_runtime::{WorkflowError, prelude::*};
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderShipped { #[tag] order: OrderId, label: String }
/// # #[derive(Debug, thiserror::Error)] #[error("nothing to ship")] pub struct NothingToShip;
/// # #[derive(Command, Serialize, Deserialize)]
/// # #[cqrs(error = NothingToShip)]
/// # pub struct ShipOrder { order: OrderId, pieces: u32, template: String }
/// #[command]
/// async fn ship(cmd: ShipOrder) -> Result<OrderShipped, WorkflowError> {
///     if cmd.pieces == 0 {
///         return Err(NothingToShip.into());
///     }
/// /// A failure of the file system, not a refusal by the domain.
///     let label = std::fs::read_to_string(&cmd.template)?;
///     Ok(OrderShipped { order: cmd.order, label })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use cqrs_runtime::log::MemoryLog;
/// let app = App::builder().log(MemoryLog::new()).build().await?;
/// let ship = |pieces| ShipOrder { order: OrderId::new(), pieces, template: "/not/there".into() };
/// let refused = app.commands().execute(ship(0)).await;
/// assert!(matches!(refused, Err(CommandError::Rejected(NothingToShip))));
/// let failed = app.commands().execute(ship(1)).await;
/// assert!(matches!(failed, Err(CommandError::Unavailable(_))));
/// # Ok(())
/// # }
/// ```
pub struct WorkflowError(Box<dyn Carried>);

/// An error that can be downcast.
trait Carried: Error + Send + Sync {
    /// The error as `Any`.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<E: Error + Send + Sync + 'static> Carried for E {
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for WorkflowError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for WorkflowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkflowError").field(&self.0).finish()
    }
}

impl WorkflowError {
    /// The error that the command's caller gets. `command` is its name.
    pub(crate) fn into_command_error<D: DomainError>(self, command: &str) -> CommandError<D> {
        let reason = self.0.to_string();
        let error = self.0.into_any();
        let error = match error.downcast::<D>() {
            Ok(refusal) => return CommandError::Rejected(*refusal),
            Err(error) => error,
        };
        CommandError::Unavailable(error.downcast::<StoreError>().map_or_else(
            |_| StoreError::Failed { store: format!("something that the workflow of `{command}` uses"), reason },
            |store| *store,
        ))
    }
}
