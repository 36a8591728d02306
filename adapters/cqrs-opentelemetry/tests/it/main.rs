//! Tests of traces that OpenTelemetry's own SDK exports.

mod chain;
mod exported;
mod orders;
mod parts;
