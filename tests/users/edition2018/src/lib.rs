//! A user of edition 2018: contracts that other crates handle, and a domain of its own.

pub mod contracts;
pub mod own;
