//! What the macros' expansions call, reachable only by `__private`.

#![allow(missing_debug_implementations, reason = "expansions name these types, and no user has a value of one")]

pub mod calls;
pub mod compile_time;
pub mod cqs;
pub mod emits;
pub mod fields;
pub mod folds;
pub mod probe;
pub mod results;
pub mod rules;
pub(crate) mod text;
