//! 64 writers in 4 processes, and a check that their answers are linearizable.
//!
//! `CQRS_LINEAR_SECONDS` sets how long they write (default: 3), and `CQRS_SEED` repeats their
//! choices (the machine decides which of them overlap).

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

/// The answers that a process prints.
fn answers(child: &mut Child) -> Vec<Op> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.filter_map(|line| line.strip_prefix("op ").map(|op| serde_json::from_str(op).unwrap())).collect()
}

/// The log as it is in the table, read without the tested code.
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
async fn operations_of_many_processes_are_linearizable() {
    let (seed, seconds) = (seed(), given("CQRS_LINEAR_SECONDS").unwrap_or(3));
    let database = database();
    drop(builder(&database).open().await.unwrap());
    let children: Vec<Child> = (0..PROCESSES).map(|process| start(database.url(), process, seed, seconds)).collect();
    let reading = children.into_iter().map(|mut child| {
        tokio::task::spawn_blocking(move || {
            let answers = answers(&mut child);
            assert!(child.wait().unwrap().success(), "a process has failed");
            answers
        })
    });
    let mut ops = Vec::new();
    for answers in reading.collect::<Vec<_>>() {
        ops.append(&mut answers.await.unwrap());
    }
    let events = stored(database.url()).await;
    let count = |what: fn(&Did) -> bool| ops.iter().filter(|op| what(&op.did)).count();
    let counts = [
        ("plain appends", count(|did| matches!(did, Did::Appended { condition: None, .. }))),
        ("appends under a condition", count(|did| matches!(did, Did::Appended { condition: Some(_), .. }))),
        ("refused conditions", count(|did| matches!(did, Did::Refused { .. }))),
        ("decisions", count(|did| matches!(did, Did::Decided { .. }))),
        ("declined decisions", count(|did| matches!(did, Did::Declined { .. }))),
        ("reads of the head", count(|did| matches!(did, Did::Saw { .. }))),
    ];
    println!("{} events of {} operations: {counts:?}", events.len(), ops.len());
    if let Err(fault) = check::history(&events, &ops) {
        panic!("{fault}");
    }
    for (what, count) in counts {
        assert!(count > 20, "hardly any {what}: the test checks too little");
    }
    let owners = events.windows(2).filter(|pair| pair[0].op >> 40 != pair[1].op >> 40).count();
    assert!(owners > 20, "the processes hardly overlapped: the test checks too little");
}
