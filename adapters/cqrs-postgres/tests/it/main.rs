//! The log and its views on a server.

mod app;
mod conformance;
mod handlers;
mod losses;
mod news;
mod opening;
mod order;
mod processes;
mod proxy;
mod restarts;
mod roles;
mod support;
mod texts;
mod tls;
