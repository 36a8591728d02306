//! The command side: the bus, and what a handler's expansion uses.

mod awaiting;
mod bus;
mod content;
mod context;
mod receipt;
mod workflow_error;

pub use awaiting::{AwaitingBus, Seen};
pub use bus::CommandBus;
pub(crate) use content::Content;
pub use context::{CommandContext, ServiceParameter, Work};
pub(crate) use context::{Ids, corrupt};
pub use receipt::Receipt;
pub use workflow_error::WorkflowError;
