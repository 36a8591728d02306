//! The guarantees of level 1, in memory, on SQLite and on PostgreSQL.

mod by_hand;
mod commands;
mod evolution;
mod idempotency;
mod logs;
mod middleware;
mod plain_objects;
mod policies;
mod sequencer;
mod snapshots;
mod sound;
mod startup;
mod verify;
mod wire;
mod workflows;
