//! Tests of the log and its views on a file.

mod conformance;
mod files;
mod handlers;
mod leases;
mod processes;
mod support;
