//! The query side: the bus, and what a handler's expansion uses.

mod bus;
mod consistency;
mod context;

pub use bus::QueryBus;
pub(crate) use bus::{After, DEADLINE};
pub use consistency::{AfterPosition, AnyPosition, AskedAt, Consistency, Eventual, ReadYourWrites};
pub use context::{QueryContext, QueryParameter};
