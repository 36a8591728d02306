//! Traces, as OpenTelemetry's own SDK exports them.

mod chain;
mod exported;
mod orders;
mod parts;
