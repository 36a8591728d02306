//! The runner's connection is cut in its commits, at any byte of the question or of the answer, while commands keep arriving.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cqrs_runtime::App;
use cqrs_test_servers::Postgres;
use cqrs_tests::chance::{Random, given, seed};

use super::counters::COUNTERS;
use super::load::Load;
use super::network::{Cut, Network, POSTGRES, REDIS, Speech};
use super::places::{ReadServer, open_log, open_views};
use super::runner::{BATCH, LEASE};
use super::watch::{PATIENCE, Watch, views_agree};

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_in_postgres_that_is_cut_anywhere_takes_effect_once() {
    survive(&ReadServer::postgres(), POSTGRES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_in_redis_that_is_cut_anywhere_takes_effect_once() {
    survive(&ReadServer::redis(), REDIS).await;
}

async fn survive(server: &ReadServer, speech: Speech) {
    let (rounds, mut random) = (given("CQRS_CRASH_ROUNDS").unwrap_or(40), Random::new(seed()));
    let database = Postgres::shared().database();
    let (log, views) = (open_log(database.url()).await, open_views(server.url()).await);
    let network = Network::start(server.port(), speech).await;
    let through = server.url().replace(&format!(":{}/", server.port()), &format!(":{}/", network.port()));
    let builder = App::builder().log(open_log(database.url()).await).views(open_views(&through).await);
    let builder = builder.projection_batch(BATCH).projection_lease(LEASE).only_modules([COUNTERS]);
    let app = builder.build().await.unwrap();
    let watch = Watch::start(&log, &views, server.has_transactions()).await;
    let load = Load::start(&log, &watch.reached).await;
    let (mut questions, mut answers) = (0, 0);
    for _ in 0..rounds {
        let at = usize::try_from(random.below(1 << 20)).unwrap();
        let cut = if random.below(3) == 0 { Cut::Question(at) } else { Cut::Answer(at) };
        match cut {
            Cut::Question(_) => questions += 1,
            Cut::Answer(_) => answers += 1,
        }
        network.arm(cut);
        let armed = Instant::now();
        while !network.is_spent() {
            assert!(armed.elapsed() < PATIENCE, "the runner commits no more");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        watch.wait_for_more(1 + random.below(100)).await;
    }
    let (commands, head) = load.stop().await;
    watch.wait_for(head).await;
    views_agree(&log, &views).await;
    drop(app);
    let events = watch.reached.load(Ordering::SeqCst);
    let looks = watch.stop().await;
    println!("{questions} questions and {answers} answers cut, {commands} commands, {events} events, {looks} looks");
    assert!(questions > rounds / 8 && answers > rounds / 4 && looks > rounds, "the test tests too little");
}
