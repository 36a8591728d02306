//! `kill -9` of the process that runs the projections, and crashes of the read server under it, at any instant of a load.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cqrs_test_servers::Postgres;
use cqrs_tests::chance::{Random, given, seed};

use super::load::Load;
use super::places::{ReadServer, open_log, open_views};
use super::runner::Runner;
use super::watch::{Watch, views_agree};

/// So many rounds go by between two looks at all views at rest.
const AT_REST: u64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn views_in_postgres_survive_kills_and_crashes_at_any_instant() {
    survive(ReadServer::postgres()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_in_redis_survive_kills_and_crashes_at_any_instant() {
    survive(ReadServer::redis()).await;
}

async fn survive(server: ReadServer) {
    let (rounds, mut random) = (given("CQRS_CRASH_ROUNDS").unwrap_or(12), Random::new(seed()));
    let (database, server) = (Postgres::shared().database(), Arc::new(server));
    let (log, views) = (open_log(database.url()).await, open_views(server.url()).await);
    let mut runner = Runner::start(database.url(), server.url());
    let watch = Watch::start(&log, &views, server.has_transactions()).await;
    let mut load = Load::start(&log, &watch.reached).await;
    let (mut commands, mut crashes) = (0, 0);
    for round in 1..=rounds {
        let (crash, kill_while_down) = (random.below(2) == 0, random.below(2) == 0);
        if crash {
            // It opens the database but once.
            runner.wait_until_it_runs();
        }
        watch.wait_for_more(1).await;
        // The instant is what is tested: nothing is waited for.
        tokio::time::sleep(Duration::from_millis(random.below(300))).await;
        if crash {
            crashes += 1;
            let down = Arc::clone(&server);
            tokio::task::spawn_blocking(move || down.stop()).await.unwrap();
            if kill_while_down {
                runner.kill();
                restart(&server).await;
            } else {
                restart(&server).await;
                // It goes on by itself.
                watch.wait_for_more(50).await;
                runner.kill();
            }
        } else {
            runner.kill();
        }
        runner = Runner::start(database.url(), server.url());
        if round % AT_REST == 0 || round == rounds {
            let (acknowledged, head) = load.stop().await;
            commands += acknowledged;
            watch.wait_for(head).await;
            views_agree(&log, &views).await;
            println!("round {round}: {head} events");
            load = Load::start(&log, &watch.reached).await;
        }
    }
    load.stop().await;
    let events = watch.reached.load(Ordering::SeqCst);
    let looks = watch.stop().await;
    println!("{rounds} rounds, {crashes} crashes, {commands} commands, {events} events, {looks} looks at the views");
    assert!(commands > rounds * 10 && looks > rounds * 10, "the test tests too little");
}

async fn restart(server: &Arc<ReadServer>) {
    let server = Arc::clone(server);
    tokio::task::spawn_blocking(move || server.restart()).await.unwrap();
}
