//! Tests of the log and its views on a server.

mod app;
mod bounds;
mod chance;
mod conformance;
mod crashes;
mod handlers;
mod leases;
mod linear;
mod losses;
#[cfg(target_os = "linux")]
mod memory;
mod notifications;
mod one_state;
mod opening;
mod order;
mod poolers;
mod processes;
mod proxy;
mod restarts;
mod roles;
mod secrets;
mod snapshots;
mod support;
mod texts;
mod tls;
