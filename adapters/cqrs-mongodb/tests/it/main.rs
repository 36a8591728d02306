//! Tests of views on a real server that speaks MongoDB's protocol.

mod app;
mod conformance;
mod guards;
mod opening;
mod searches;
mod secrets;
mod support;
