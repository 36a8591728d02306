//! The same small bank on each framework.
//!
//! An account is opened and paid into, up to [`MOST`]: so a payment must know the balance, and two payments into one account are not
//! independent of each other. The read model is a table of balances.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgPool;
use uuid::Uuid;

mod cqrs_es;
mod disintegrate;
mod ours;

pub(crate) use self::cqrs_es::CqrsEs;
pub(crate) use self::disintegrate::Disintegrate;
pub(crate) use self::ours::{Level, Ours};

/// What an account may hold.
pub(crate) const MOST: i64 = 1_000_000_000;

/// How many connections to PostgreSQL each bank may have: the default of both peers.
pub(crate) const CONNECTIONS: u32 = 10;

/// Waits, after a conflict, a random time: up to two milliseconds the first time, up to sixteen after some more.
async fn pause(tries: u64) {
    let most = 1 << tries.min(4);
    let random = u64::from(Uuid::now_v7().as_bytes()[15]);
    tokio::time::sleep(Duration::from_micros(random * most * 4)).await;
}

/// Whether states are stored next to the events, so that not every event of an account is read for each payment.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Snapshots {
    Without,
    With,
}

/// A bank, on one of the frameworks, in a database of its own.
#[async_trait]
pub(crate) trait Bank: Send + Sync {
    /// The framework, and how it is used.
    fn name(&self) -> &'static str;
    /// Its databases.
    fn databases(&self) -> Vec<PgPool>;
    /// Opens an account. Returns how often that had to be tried again.
    async fn open(&self, account: Uuid) -> u64;
    /// Pays in, and tries again on a conflict until it is done. Returns how often.
    async fn pay_in(&self, account: Uuid, amount: i64) -> u64;
    /// Waits until the read model has processed everything that is acknowledged.
    async fn settle(&self);
    /// What the read model says of an account.
    async fn balance(&self, account: Uuid) -> i64;
    /// The sum of all balances in the read model.
    async fn shown(&self) -> i64;
    /// The sum of all payments in the log.
    async fn stored(&self) -> i64;
    /// Whether the read model may miss a payment for good.
    fn may_miss(&self) -> bool {
        false
    }
    /// How many updates of the read model were given up.
    fn lost(&self) -> u64 {
        0
    }
    /// How many events are stored.
    async fn events(&self) -> i64;
    /// Empties the read model, and folds it again from all events.
    async fn rebuild(&self);
    /// Ends what runs next to the commands.
    async fn close(&self);
    /// The same bank, once it is closed, in a program that has just started: nothing is in memory.
    async fn started_anew(&self, snapshots: Snapshots) -> Arc<dyn Bank>;
}
