//! The query side: the bus, and what a handler's expansion runs on.

mod bus;
mod context;

pub(crate) use bus::After;
pub use bus::QueryBus;
pub use context::{QueryContext, QueryParameter};
