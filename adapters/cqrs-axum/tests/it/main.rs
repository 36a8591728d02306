//! The router over TCP, with an HTTP client.

mod access;
mod client;
mod commands;
mod curl;
mod domain;
mod errors;
mod inside;
mod openapi;
mod options;
mod queries;
