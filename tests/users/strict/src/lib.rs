//! A user who allows nothing: every macro, in every form, where no name is in scope that is not imported and every lint is
//! an error.

#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, unused_results, unused_lifetimes)]
#![deny(single_use_lifetimes, variant_size_differences, trivial_casts, let_underscore_drop, elided_lifetimes_in_paths)]
#![deny(clippy::all, clippy::pedantic)]

pub mod facts;
pub mod foreign;
pub mod read;
pub mod write;
