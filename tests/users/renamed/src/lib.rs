//! A user of edition 2021 who knows the runtime by another name, and puts items in unusual places: into function bodies and
//! modules, behind `#[cfg]`, and out of macros of his own.

pub mod documented;
pub mod generated;
pub mod places;
