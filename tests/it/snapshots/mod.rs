//! Snapshots: long histories are loaded from them, and a faulty snapshot never changes a result.

mod crash;
mod in_tables;
mod loading;
mod meters;
mod random;
mod rehearsal;
mod watched;
mod wrong;
