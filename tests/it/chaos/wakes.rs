//! Two processes run one app's projections. The one that has them is stopped by `SIGSTOP`, in the middle of a batch, beyond its
//! lease; the other takes over; and the first is woken again. No row ever goes back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cqrs_postgres::tokio_postgres::{self, NoTls};
use cqrs_runtime::view::{RowQuery, ViewStore};
use cqrs_test_servers::Postgres;
use cqrs_tests::chance::{Random, given, seed};

use super::counters::shapes;
use super::load::Load;
use super::places::{ReadServer, open_log, open_views};
use super::runner::Runner;
use super::watch::{PATIENCE, Watch, views_agree};

#[tokio::test(flavor = "multi_thread")]
async fn who_is_stopped_in_the_middle_of_a_batch_puts_nothing_back_in_postgres() {
    survive(&ReadServer::postgres()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_stopped_in_the_middle_of_a_batch_puts_nothing_back_in_redis() {
    survive(&ReadServer::redis()).await;
}

async fn survive(server: &ReadServer) {
    let (rounds, mut random) = (given("CQRS_CRASH_ROUNDS").unwrap_or(10), Random::new(seed()));
    let database = Postgres::shared().database();
    let (log, views) = (open_log(database.url()).await, open_views(server.url()).await);
    let mut runners = [(); 2].map(|()| Runner::start(database.url(), server.url()));
    let first = holder(&mut runners).await;
    runners[1 - first].wait_for_elsewhere();
    let watch = Watch::start(&log, &views, server.has_transactions()).await;
    let load = Load::start(&log, &watch.reached).await;
    let (mut woken_in_time, mut stops) = (0, 0);
    for _ in 0..rounds {
        let holder = holder(&mut runners).await;
        // At any instant, or where it can be seen that a batch is half done.
        let half_done = random.below(3) > 0;
        loop {
            watch.wait_for_more(1).await;
            // The instant is what is tested: nothing is waited for.
            tokio::time::sleep(Duration::from_micros(random.below(5_000))).await;
            runners[holder].signal("-STOP");
            stops += 1;
            if !half_done || is_half_done(server, &views).await {
                break;
            }
            runners[holder].signal("-CONT");
        }
        let started = Instant::now();
        while !runners[1 - holder].runs() {
            assert!(started.elapsed() < PATIENCE, "nobody takes over");
            tokio::time::sleep(Duration::from_millis(random.below(5))).await;
        }
        if random.below(4) == 0 {
            // At once: both believe that they run the projections.
            woken_in_time += 1;
        } else {
            watch.wait_for_more(random.below(200)).await;
        }
        runners[holder].signal("-CONT");
        runners[holder].wait_for_elsewhere();
    }
    let (commands, head) = load.stop().await;
    watch.wait_for(head).await;
    views_agree(&log, &views).await;
    let events = watch.reached.load(Ordering::SeqCst);
    let looks = watch.stop().await;
    println!(
        "{rounds} rounds, {stops} stops, {woken_in_time} woken at once, {commands} commands, {events} events, {looks} looks"
    );
    assert!(looks > rounds * 10, "the test tests too little");
}

/// Which of them runs the projections.
async fn holder(runners: &mut [Runner; 2]) -> usize {
    let started = Instant::now();
    loop {
        if let Some(holder) = runners.iter_mut().position(Runner::runs) {
            return holder;
        }
        assert!(started.elapsed() < PATIENCE, "nobody runs the projections");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether a process that is stopped has a transaction open, or has written rows and no checkpoint yet.
async fn is_half_done(server: &ReadServer, views: &Arc<dyn ViewStore>) -> bool {
    if let Some(database) = server.database() {
        let (client, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        // A moment of the other's is over by then.
        let sql = "SELECT count(*) FROM pg_sleep(0.03), pg_stat_activity WHERE datname = current_database()
                   AND state = 'idle in transaction' AND clock_timestamp() - state_change > interval '20 milliseconds'";
        return client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) > 0;
    }
    for shape in &shapes().await {
        let every = RowQuery::all();
        let reached = views.checkpoint(shape.name).await.unwrap().unwrap().position;
        if views.find(shape, &every).await.unwrap().iter().any(|row| row.position > reached) {
            return true;
        }
    }
    false
}
