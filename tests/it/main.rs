//! The guarantees of levels 1 and 2, in memory, on SQLite and on PostgreSQL.

mod bars;
mod by_hand;
mod commands;
mod evolution;
mod findings;
mod idempotency;
mod level_2;
mod logs;
mod lost_events;
mod middleware;
mod names;
mod parts;
mod plain_objects;
mod policies;
mod policy_renamed;
mod sequencer;
mod snapshots;
mod sound;
mod startup;
mod tables;
mod verify;
mod wire;
mod workflows;
