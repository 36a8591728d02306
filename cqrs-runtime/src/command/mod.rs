//! The command side: the bus, and what a handler's expansion runs on.

mod awaiting;
mod bus;
mod context;
mod receipt;

pub use awaiting::{AwaitingBus, Seen};
pub use bus::CommandBus;
pub(crate) use context::corrupt;
pub use context::{CommandContext, ServiceParameter, Work};
pub use receipt::Receipt;
