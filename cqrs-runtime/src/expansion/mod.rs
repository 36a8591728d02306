//! What the macros' expansions call, reachable only by `__private`.

pub mod calls;
pub mod cqs;
pub mod emits;
pub mod fields;
pub(crate) mod text;
