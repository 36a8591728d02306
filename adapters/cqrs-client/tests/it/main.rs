//! The client against servers in this process: what arrives, and what is sent again.

mod domain;
mod faulty;
mod results;
mod retries;
