//! The read side: for each question its view, the projection that folds it, and the query that asks it.

mod customers;
mod order_details;
mod order_history;

pub use customers::{CustomerCard, CustomersNamed};
pub use order_details::{DetailLine, OrderDetail, OrderDetails, TimelineEntry};
pub use order_history::{OrderHistory, OrderSummary};
