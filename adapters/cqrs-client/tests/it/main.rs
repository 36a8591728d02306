//! The client against servers in this process: what arrives, and what is sent again.

mod domain;
mod faulty;
mod paths;
mod results;
mod retries;
