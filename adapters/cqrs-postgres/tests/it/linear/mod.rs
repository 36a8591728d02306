//! 64 writers in 4 processes, and whether what they were told is one history.
//!
//! `CQRS_LINEAR_SECONDS` says for how long they write (3 unless told otherwise), `CQRS_SEED` makes their choices again (which
//! of them meet is the machine's choice).

mod check;
mod events;
mod load;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use check::{Did, Event, Op};

use crate::chance::{given, seed};
use crate::support::{builder, client, database};

const PROCESSES: u64 = 4;
const WRITERS: u64 = 16;

fn start(url: &str, process: u64, seed: u64, seconds: u64) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["linear::load::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    child.env(load::URL, url).env(load::PROCESS, process.to_string()).env(load::SEED, seed.to_string());
    child.env(load::SECONDS, seconds.to_string()).stdout(Stdio::piped()).spawn().unwrap()
}

/// What a process says that it was told.
fn told(child: &mut Child) -> Vec<Op> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.filter_map(|line| line.strip_prefix("op ").map(|op| serde_json::from_str(op).unwrap())).collect()
}

/// The log as it lies in the table, read without the help of what is tested.
async fn stored(url: &str) -> Vec<Event> {
    let sql = "SELECT position, name, tags, (data::jsonb ->> 'op')::bigint, (data::jsonb ->> 'number')::bigint
               FROM cqrs_events ORDER BY position";
    let rows = client(url).await.query(sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| Event {
            position: row.get::<_, i64>(0).try_into().unwrap(),
            name: row.get(1),
            tags: row.get(2),
            op: row.get::<_, i64>(3).try_into().unwrap(),
            number: row.get::<_, Option<i64>>(4).map(|number| number.try_into().unwrap()),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_processes_are_told_is_one_history() {
    let (seed, seconds) = (seed(), given("CQRS_LINEAR_SECONDS").unwrap_or(3));
    let database = database();
    drop(builder(&database).open().await.unwrap());
    let children: Vec<Child> = (0..PROCESSES).map(|process| start(database.url(), process, seed, seconds)).collect();
    let reading = children.into_iter().map(|mut child| {
        tokio::task::spawn_blocking(move || {
            let told = told(&mut child);
            assert!(child.wait().unwrap().success(), "a process has failed");
            told
        })
    });
    let mut ops = Vec::new();
    for told in reading.collect::<Vec<_>>() {
        ops.append(&mut told.await.unwrap());
    }
    let events = stored(database.url()).await;
    let count = |what: fn(&Did) -> bool| ops.iter().filter(|op| what(&op.did)).count();
    let counts = [
        ("plain appends", count(|did| matches!(did, Did::Appended { condition: None, .. }))),
        ("appends under a condition", count(|did| matches!(did, Did::Appended { condition: Some(_), .. }))),
        ("refused conditions", count(|did| matches!(did, Did::Refused { .. }))),
        ("decisions", count(|did| matches!(did, Did::Decided { .. }))),
        ("declined decisions", count(|did| matches!(did, Did::Declined { .. }))),
        ("looks at the head", count(|did| matches!(did, Did::Saw { .. }))),
    ];
    println!("{} events of {} operations: {counts:?}", events.len(), ops.len());
    if let Err(fault) = check::history(&events, &ops) {
        panic!("{fault}");
    }
    for (what, count) in counts {
        assert!(count > 20, "hardly any {what}: the test tests too little");
    }
    let owners = events.windows(2).filter(|pair| pair[0].op >> 40 != pair[1].op >> 40).count();
    assert!(owners > 20, "the processes hardly met: the test tests too little");
}
