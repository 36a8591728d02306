//! The shop from outside: its acceptance suite, its program, and real orders.

mod acceptance;
mod crash;
mod databases;
mod http;
mod northwind;
mod operate;
mod processes;
mod program;
mod serve;
mod support;

cqrs_runtime::verify!();
