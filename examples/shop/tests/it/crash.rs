//! `kill -9` at any instant of a load: what was acknowledged is there afterwards, once, and the views agree with the log.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cqrs_runtime::log::{EventLog, EventQuery};
use cqrs_runtime::registry::{Item, registered};
use cqrs_runtime::{CommandId, Position};
use cqrs_sqlite::SqliteLog;

use crate::support::{Shop, sample};

const KILLS: usize = 100;

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_instant() {
    // How long an undisturbed load takes tells which instants there are.
    let whole = Shop::new();
    let started = Instant::now();
    let acknowledged = load(&whole, None);
    let mut lasts = started.elapsed();
    let commands = acknowledged.len();
    stored_once(&whole.db(), &acknowledged);

    let seed = u64::from(std::process::id()) ^ u64::from(started.elapsed().subsec_nanos().wrapping_mul(7_919));
    println!("seed {seed}; an undisturbed load of {commands} commands takes {lasts:?}");
    let mut random = seed;
    let mut shop = Shop::new();
    let mut acknowledged = HashSet::new();
    let mut cut_short = 0;
    for _ in 0..KILLS {
        // xorshift64
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let instant = lasts * u32::try_from(random % 10_000).unwrap() / 10_000;
        let whole = acknowledged.is_empty();
        acknowledged.extend(load(&shop, Some(instant)));
        stored_once(&shop.db(), &acknowledged);
        if acknowledged.len() == commands {
            if whole {
                // The machine has become faster: what comes later than this cuts nothing short.
                lasts = instant;
            }
            shop = Shop::new();
            acknowledged.clear();
        } else {
            cut_short += 1;
        }
    }
    assert!(cut_short >= KILLS / 4, "only {cut_short} of {KILLS} kills cut a load short: the test tests too little");
    // What is left of the last one can be loaded to the end.
    acknowledged.extend(load(&shop, None));
    assert_eq!(acknowledged.len(), commands);
    stored_once(&shop.db(), &acknowledged);
    shop.succeeds(&["check"]);
}

/// Loads the sample, for so long at most, and returns the ids that were acknowledged.
fn load(shop: &Shop, instant: Option<Duration>) -> HashSet<String> {
    let (db, sample) = (shop.db(), sample());
    let mut load = Command::new(env!("CARGO_BIN_EXE_shop"));
    load.arg("--db").arg(db).arg("load").arg(sample).arg("--acks").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = load.spawn().unwrap();
    let mut said = String::new();
    if let Some(instant) = instant {
        // The instant is what is tested: nothing is waited for.
        std::thread::sleep(instant);
        child.kill().unwrap();
    }
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success() || instant.is_some());
    // A kill may cut the last line in two.
    let whole_lines = said.rfind('\n').map_or("", |end| &said[..end]);
    whole_lines.lines().map(str::to_owned).collect()
}

/// Looks into the file as the kill left it, before an app has brought anything up to date.
fn stored_once(db: &Path, acknowledged: &HashSet<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let log = SqliteLog::open(db).await.unwrap();
        let page = log.read(&EventQuery::all(), Position::START, 1_000_000).await.unwrap();
        let mut times = HashMap::new();
        for (event, position) in page.events.iter().zip(1_u64..) {
            assert_eq!(event.position(), position, "positions are dense");
            let id = event.header().meta.command_id.as_ref().map(CommandId::as_str).unwrap();
            *times.entry(id).or_insert(0) += 1;
        }
        for id in acknowledged {
            assert_eq!(times.get(&**id), Some(&1), "acknowledged command `{id}` is stored once");
        }
        assert!(times.values().all(|times| *times == 1), "no command is stored twice");
        let views = log.views().unwrap();
        for entry in registered() {
            let Item::Projection(projection) = &entry.item else { continue };
            let checkpoint = match projection.view {
                Some(_) => cqrs_conformance::views::checkpoint_as_stored(&*views, projection.name).await,
                None => views.checkpoint(projection.name).await.unwrap(),
            };
            let reached = checkpoint.map_or(Position::START, |checkpoint| checkpoint.position);
            assert_eq!(reached, page.up_to, "{} is at the end of the log", projection.name);
        }
    });
    if !acknowledged.is_empty() {
        let check = Command::new(env!("CARGO_BIN_EXE_shop")).arg("--db").arg(db).arg("check").output().unwrap();
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    }
}
