//! Snapshots: long histories are loaded from them, and nothing that is wrong with one is ever seen.

mod crash;
mod in_tables;
mod loading;
mod meters;
mod random;
mod rehearsal;
mod watched;
mod wrong;
