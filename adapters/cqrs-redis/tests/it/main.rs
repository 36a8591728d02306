//! Tests of views on a real Redis.

mod app;
mod conformance;
mod guards;
mod opening;
mod pages;
mod secrets;
mod support;
