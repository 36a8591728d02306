//! What two versions of a program have in common: the write side, a view that has not changed, and how they are talked to.

pub mod places;
mod service;
pub mod shelves;

pub use service::{Question, Said, serve};
