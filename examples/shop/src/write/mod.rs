//! The write side: aggregates, and one decision a command.
//!
//! A decision is a pure function of its command and of the aggregates that it names. They are what it is consistent
//! over: no event about them is committed between their loading and the storing of what was decided.

mod customer;
mod order;

pub use customer::Customer;
pub use order::Order;
