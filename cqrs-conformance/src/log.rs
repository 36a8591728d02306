//! Tests that every event log must pass. An adapter runs [`all`], or single tests.
//!
//! Each test takes an empty log and needs a tokio runtime (a multi-threaded one tests concurrency harder). It panics with the
//! name of the guarantee that the log violates. Random choices print their seed; set `CQRS_SEED=..` in the environment to
//! repeat them.
//!
//! ```
//! use cqrs_core::memory::MemoryLog;
//!
//! # #[tokio::main]
//! # async fn main() {
//! cqrs_conformance::log::all(async || MemoryLog::new()).await;
//! # }
//! ```

#![allow(clippy::missing_panics_doc, reason = "a check's doc says what it checks; it panics when that does not hold")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use uuid::Uuid;

use cqrs_core::Tag;
use cqrs_core::Timestamp;
use cqrs_core::event::{Event, EventHeader, RecordedEvent};
use cqrs_core::event_list::TagInfo;
use cqrs_core::json::Codec;
use cqrs_core::log::{
    AppendEntry, CommandRecord, ContentHash, Declaration, DeclaredName, EventLog, EventQuery, LogTransaction, NameKind,
    Page, QueryItem, RawEvent, StoredNames, append, append_raw, read,
};
use cqrs_core::random::Random;
use cqrs_core::{Bookmark, Position};
use cqrs_core::{CommandId, Meta};

/// How long a free lock may be unavailable.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs every check, each on its own empty log from `make`.
pub async fn all<L: EventLog>(make: impl AsyncFn() -> L) {
    an_empty_log_has_nothing(Arc::new(make().await)).await;
    positions_are_dense(Arc::new(make().await)).await;
    every_field_comes_back(Arc::new(make().await)).await;
    a_read_takes_what_its_query_matches(Arc::new(make().await)).await;
    a_log_knows_which_event_is_where(Arc::new(make().await)).await;
    pages_join_up(Arc::new(make().await)).await;
    a_transaction_reads_what_it_has_appended(Arc::new(make().await)).await;
    a_dropped_transaction_leaves_no_trace(Arc::new(make().await)).await;
    concurrent_appends_are_all_kept(Arc::new(make().await)).await;
    a_reader_never_meets_a_gap(Arc::new(make().await)).await;
    command_records_are_kept(Arc::new(make().await)).await;
    command_records_are_listed_and_forgotten(Arc::new(make().await)).await;
    one_of_many_conditional_appends_succeeds(Arc::new(make().await)).await;
    a_failed_condition_spares_the_rest_of_its_batch(Arc::new(make().await)).await;
    names_are_found_and_declared(Arc::new(make().await)).await;
}

/// An empty log's head is 0, and it has no events.
pub async fn an_empty_log_has_nothing(log: Arc<dyn EventLog>) {
    assert_eq!(log.head().await.expect("the head can be read"), 0, "an empty log's head is 0");
    let page = page(&*log, &EventQuery::all(), Position::START, 10).await;
    assert!(page.events.is_empty() && !page.more, "an empty log has no events: {page:?}");
    assert_eq!(page.up_to, 0, "a page of an empty log reaches to 0");
    assert_eq!(begin(&*log).await.head(), 0, "a transaction on an empty log starts at 0");
    assert!(!log.describe().is_empty(), "a log has a description, for errors");
}

/// Positions count from 1, without gaps, in commit order. Every later reader sees a commit.
pub async fn positions_are_dense(log: Arc<dyn EventLog>) {
    let mut head = 0;
    for events in [3, 1, 0, 2] {
        let mut tx = begin(&*log).await;
        assert_eq!(tx.head(), head, "a transaction's head is the last commit's");
        let new: Vec<_> = (1..=events).map(|n| event(head + n, "Counted", &[], "{}")).collect();
        store(&mut *tx, &new).await;
        tx.commit().await.expect("a transaction can be committed");
        head += events;
        assert_eq!(log.head().await.expect("the head can be read"), head, "the head moves with a commit");
        let page = page(&*log, &EventQuery::all(), Position::START, 100).await;
        let positions: Vec<u64> = page.events.iter().map(|event| event.position().get()).collect();
        assert_eq!(positions, (1..=head).collect::<Vec<_>>(), "positions are dense, in the order of commits");
        assert_eq!(page.up_to, head, "a page that was not cut reaches to the head");
    }
}

/// Every field of an event is read as it was written; data byte for byte, JSON or not.
pub async fn every_field_comes_back(log: Arc<dyn EventLog>) {
    let large = format!("\"{}\"", "läng ".repeat(200_000));
    let many: Vec<String> = (0..64).map(|n| format!("tag:{n:03}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut events = vec![
        event(1, "Simple", &["order:1"], r#"{"a":1}"#),
        event(2, "Größe📦 'quoted' \"twice\"; --", &["ключ:значение", "order:a:b'c\"d"], "{\"text\":\"💥\\u0000\\n\"}"),
        event(3, "Long", &[], &large),
        event(4, "ManyTags", &many, " [ 1, 2.50 ] "),
        event(5, "NoJson", &["order:1"], "{\"cut off"),
        event(6, "Empty", &[], ""),
    ];
    let meta = Meta::new()
        .command_id(CommandId::new("checkout-4711 ✓"))
        .causation(Uuid::now_v7())
        .actor("")
        .tenant("Ünïcode & Søn");
    let header = EventHeader {
        position: Position::new(7),
        version: u32::from(u16::MAX) * 3,
        meta: Arc::new(meta),
        recorded_at: Timestamp::from_micros(-1).expect("a moment before 1970 is a time"),
        ..event(7, "AllMeta", &["order:1"], "").header().clone()
    };
    events.push(RecordedEvent::new(header, "null".into()));

    let mut tx = begin(&*log).await;
    store(&mut *tx, &events).await;
    let own = tx.read(&EventQuery::all(), Position::START, 100).await.expect("a transaction can read");
    compare_fields(&own.events, &events);
    tx.commit().await.expect("a transaction can be committed");
    compare_fields(&page(&*log, &EventQuery::all(), Position::START, 100).await.events, &events);
}

#[track_caller]
fn compare_fields(read: &[RecordedEvent], written: &[RecordedEvent]) {
    assert_eq!(read.len(), written.len(), "every event comes back");
    for (read, written) in read.iter().zip(written) {
        assert_eq!(read.header(), written.header(), "every field of an event's header comes back as it was");
        assert!(read.data() == written.data(), "the data of `{}` come back byte for byte", written.name());
    }
}

/// A read returns what [`EventQuery::matches`] accepts: any of the items, and in each any of the names and all of the tags.
pub async fn a_read_takes_what_its_query_matches(log: Arc<dyn EventLog>) {
    let mut random = Random::new();
    let events = random_events(&mut random, 1, 300);
    for chunk in events.chunks(40) {
        commit(&*log, chunk).await;
    }
    for _ in 0..300 {
        let query = random_query(&mut random);
        let (after, limit) = (Position::new(random.below(301) as u64), 1 + random.below(400));
        let page = page(&*log, &query, after, limit).await;
        compare_page(&page, &events, &query, after, limit, &random);
    }
}

/// The log knows the event at its head and at both ends of a page, and whether it holds a bookmark: inside and outside a
/// transaction, and for positions beyond its end.
pub async fn a_log_knows_which_event_is_where(log: Arc<dyn EventLog>) {
    let beyond = [Position::new(61), Position::new(i64::MAX.cast_unsigned()), Position::new(1 << 63), Position::MAX];
    let is_end = "the last event is returned with its id";
    assert_eq!(log.last().await.expect("the last event"), Bookmark::START, "{is_end}, of an empty log nothing");
    assert_eq!(begin(&*log).await.last().await.expect("the last event"), Bookmark::START, "{is_end}");
    assert!(log.holds(&[Bookmark::START]).await.expect("an answer")[0], "every log holds its start");
    let mut random = Random::new();
    let events = random_events(&mut random, 1, 60);
    commit(&*log, &events[..40]).await;
    let bookmarks = |events: &[RecordedEvent]| -> Vec<Bookmark> { events.iter().map(Bookmark::from).collect() };
    let all = bookmarks(&events);
    assert_eq!(log.last().await.expect("the last event"), all[39], "{is_end}");

    // The same questions inside a transaction that has appended the rest, and after it.
    let mut asked = vec![Bookmark::START];
    asked.extend(&all);
    asked.extend(all.iter().map(|bookmark| Bookmark::from(bookmark.position)));
    asked.extend(all.iter().map(|bookmark| Bookmark { event: Some(Uuid::now_v7()), ..*bookmark }));
    asked.extend(beyond.iter().flat_map(|&at| [at.into(), Bookmark { position: at, event: all[0].event }]));
    let told = |length: usize| {
        let is_held = |bookmark: &Bookmark| {
            let own =
                usize::try_from(bookmark.position.previous().get()).ok().and_then(|index| all[..length].get(index));
            bookmark.agrees_with(own.and_then(|own| own.event))
        };
        asked.iter().map(is_held).collect::<Vec<_>>()
    };
    let ends = |page: &Page, after: Position, length: usize, what: &str| {
        let at = |position: Position| {
            let index = usize::try_from(position.get().checked_sub(1)?).ok()?;
            all[..length].get(index)?.event
        };
        assert_eq!(
            page.before,
            at(after),
            "{what} has the id of the event at the position that it was read after, {after}"
        );
        assert_eq!(page.last, at(page.up_to), "{what} has the id of the event at its end, {}", page.up_to);
        let is_whole = after <= length as u64;
        assert!(is_whole || page.events.is_empty() && !page.more, "{what} has nothing beyond the end, after {after}");
    };
    let mut tx = begin(&*log).await;
    assert_eq!(tx.holds(&asked).await.expect("an answer"), told(40), "a transaction knows what the log holds");
    store(&mut *tx, &events[40..]).await;
    assert_eq!(tx.last().await.expect("the last event"), all[39], "the head is that of the last commit");
    assert_eq!(tx.holds(&asked).await.expect("an answer"), told(60), "a transaction holds what it has appended");
    assert_eq!(log.holds(&asked).await.expect("an answer"), told(40), "the log does not hold what is not committed");
    let mut reads = Vec::new();
    for after in (0..61).map(Position::new).chain(beyond) {
        reads.push((random_query(&mut random), after, 1 + random.below(70)));
    }
    for (query, after, limit) in &reads {
        let page = tx.read(query, *after, *limit).await.expect("a page");
        ends(&page, *after, 60, "a transaction's page");
    }
    tx.commit().await.expect("a commit");
    assert_eq!(log.holds(&asked).await.expect("an answer"), told(60), "the log holds what was committed");
    for (query, after, limit) in &reads {
        let page = page(&*log, query, *after, *limit).await;
        ends(&page, *after, 60, "a page");
        assert!(page.up_to >= *after, "a reader's place never moves back");
    }
}

/// Reading on from [`Page::up_to`] delivers every event once, for any query and limit.
pub async fn pages_join_up(log: Arc<dyn EventLog>) {
    let mut random = Random::new();
    let events = random_events(&mut random, 1, 120);
    commit(&*log, &events).await;
    for _ in 0..60 {
        let query = random_query(&mut random);
        let limit = 1 + random.below(7);
        let (mut found, mut after) = (Vec::new(), Position::START);
        loop {
            let page = page(&*log, &query, after, limit).await;
            compare_page(&page, &events, &query, after, limit, &random);
            found.extend(page.events);
            after = page.up_to;
            if !page.more {
                break;
            }
        }
        let expected: Vec<_> = events.iter().filter(|event| query.matches(event)).cloned().collect();
        assert_eq!(positions(&found), positions(&expected), "pages join up; {query:?}, {}", random.again());
    }
    let mut stream = read(Arc::clone(&log), EventQuery::all(), Position::START);
    let mut streamed = 0;
    while let Some(event) = stream.next().await {
        streamed += 1;
        assert_eq!(event.expect("the log can be read").position(), streamed, "a stream delivers every event in order");
    }
    assert_eq!(streamed, 120, "a stream delivers every event");
}

/// A transaction's own read includes what it has appended, also at a page's limit.
pub async fn a_transaction_reads_what_it_has_appended(log: Arc<dyn EventLog>) {
    let mut random = Random::new();
    let events = random_events(&mut random, 1, 100);
    commit(&*log, &events[..60]).await;
    let mut tx = begin(&*log).await;
    for (count, chunk) in [(80, &events[60..80]), (100, &events[80..])] {
        store(&mut *tx, chunk).await;
        for _ in 0..100 {
            let query = random_query(&mut random);
            let (after, limit) = (Position::new(random.below(count + 1) as u64), 1 + random.below(70));
            let page = tx.read(&query, after, limit).await.expect("a transaction can read");
            compare_page(&page, &events[..count], &query, after, limit, &random);
        }
        let outside = page(&*log, &EventQuery::all(), Position::START, 1_000).await;
        assert_eq!(outside.events.len(), 60, "what is not committed does not show to others");
        assert_eq!(outside.up_to, 60, "what is not committed does not move the head that others see");
    }
}

/// A dropped transaction leaves no event and no command record behind, and releases the lock.
pub async fn a_dropped_transaction_leaves_no_trace(log: Arc<dyn EventLog>) {
    commit(&*log, &[event(1, "Kept", &["order:1"], "{}")]).await;
    let gone = record("gone", 2);
    for _ in 0..3 {
        let mut tx = begin(&*log).await;
        let events = [event(2, "Gone", &["order:1"], "{}"), event(3, "Gone", &[], "{}")];
        tx.append(&events, std::slice::from_ref(&gone)).await.expect("a transaction can append");
        drop(tx);
        assert_eq!(log.head().await.expect("the head can be read"), 1, "a dropped transaction does not move the head");
        let page = page(&*log, &EventQuery::all(), Position::START, 10).await;
        assert_eq!(positions(&page.events), [1], "a dropped transaction leaves no event");
    }
    let mut tx = begin(&*log).await;
    assert_eq!(tx.head(), 1, "a position that a dropped transaction had is free again");
    let known = tx.commands(std::slice::from_ref(&gone.id)).await.expect("commands can be looked up");
    assert_eq!(known, [None], "a dropped transaction leaves no command record");
}

/// Concurrent appends get distinct positions, and no event is lost.
pub async fn concurrent_appends_are_all_kept(log: Arc<dyn EventLog>) {
    const WRITERS: u64 = 16;
    const ROUNDS: u64 = 12;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let log = Arc::clone(&log);
        writers.spawn(async move { write(&*log, writer, ROUNDS).await });
    }
    let mut told = BTreeMap::new();
    while let Some(written) = writers.join_next().await {
        for (position, data) in written.expect("a writer ends well") {
            let other = told.insert(position, data);
            assert!(other.is_none(), "position {position} was given out twice");
        }
    }
    let page = page(&*log, &EventQuery::all(), Position::START, usize::MAX >> 1).await;
    let found: BTreeMap<u64, String> =
        page.events.iter().map(|event| (event.position().get(), event.data().to_owned())).collect();
    assert_eq!(found.len() as u64, WRITERS * ROUNDS * 2, "no event that was committed is lost");
    assert!(found == told, "every event is at the position that its writer was given");
    assert_eq!(page.up_to, WRITERS * ROUNDS * 2, "positions are dense with many writers");
}

/// Appends two events a round, and returns their positions and data.
async fn write(log: &dyn EventLog, writer: u64, rounds: u64) -> Vec<(u64, String)> {
    let mut written = Vec::new();
    for round in 0..rounds {
        let mut tx = begin(log).await;
        let first = tx.head().get() + 1;
        let data = [format!("[{writer},{round},1]"), format!("[{writer},{round},2]")];
        let tag = format!("writer:{writer}");
        let events =
            [event(first, "Written", &[&tag], &data[0]), event(first + 1, "Written", &["half:second", &tag], &data[1])];
        store(&mut *tx, &events).await;
        tokio::task::yield_now().await;
        tx.commit().await.expect("a transaction can be committed");
        written.extend((first..).zip(data));
    }
    written
}

/// A reader sees every event in order while others append: never a later one before an earlier one.
pub async fn a_reader_never_meets_a_gap(log: Arc<dyn EventLog>) {
    const WRITERS: u64 = 4;
    const ROUNDS: u64 = 40;
    let mut readers = JoinSet::new();
    for query in [EventQuery::all(), EventQuery::tagged(Tag::from_text("half:second"))] {
        let log = Arc::clone(&log);
        readers.spawn(async move {
            let (mut after, mut seen) = (Position::START, Vec::new());
            while after.get() < WRITERS * ROUNDS * 2 {
                let head = log.head().await.expect("the head can be read");
                let page = page(&*log, &query, after, 7).await;
                assert!(page.up_to >= after, "a reader's place never moves back");
                assert!(page.more || page.up_to >= head, "a read holds every commit made before it");
                seen.extend(positions(&page.events));
                after = page.up_to;
                tokio::task::yield_now().await;
            }
            (query.items.is_empty(), seen)
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let log = Arc::clone(&log);
        writers.spawn(async move { write(&*log, writer, ROUNDS).await });
    }
    while let Some(written) = writers.join_next().await {
        written.expect("a writer ends well");
    }
    while let Some(seen) = readers.join_next().await {
        let (every, seen) = seen.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        let expected = (1..=WRITERS * ROUNDS * 2).filter(|position| every || position % 2 == 0);
        assert_eq!(seen, expected.collect::<Vec<_>>(), "a reader meets every event once, and no gap");
    }
}

/// A command record is stored with its events, or without any, and found by its id.
pub async fn command_records_are_kept(log: Arc<dyn EventLog>) {
    let first = record("first", 1);
    let unicode = CommandRecord {
        command: "Überweisung".into(),
        returned: "{\"id\":\"💶\"}".into(),
        events: 0,
        ..record("zweiter Versuch ✓ '\"", 1)
    };
    let mut tx = begin(&*log).await;
    tx.append(&[event(1, "Done", &[], "{}")], std::slice::from_ref(&first)).await.expect("a transaction can append");
    compare_records(&mut *tx, &[("first", Some(&first)), ("never", None)]).await;
    tx.commit().await.expect("a transaction can be committed");

    let mut tx = begin(&*log).await;
    tx.append(&[], std::slice::from_ref(&unicode)).await.expect("a record needs no events");
    tx.commit().await.expect("a transaction can be committed");
    let mut tx = begin(&*log).await;
    assert_eq!(tx.head(), 1, "a record alone does not move the head");
    let (a, b) = (("first", Some(&first)), (unicode.id.as_str(), Some(&unicode)));
    compare_records(&mut *tx, &[b, ("never", None), a, ("FIRST", None), a]).await;
    assert_eq!(tx.commands(&[]).await.expect("commands can be looked up"), [], "no ids, no records");
    let ids: Vec<CommandId> = (0..40_000).map(|n| CommandId::new(&format!("never-{n}"))).collect();
    let known = tx.commands(&ids).await.expect("as many commands as there are can be looked up at once");
    assert!(known.len() == ids.len() && known.iter().all(Option::is_none), "an unknown id has no record");
}

/// Command records are listed in pages, each once; counted; and removed by the time that they were recorded at.
pub async fn command_records_are_listed_and_forgotten(log: Arc<dyn EventLog>) {
    const RECORDS: u64 = 23;
    assert_eq!(list_records(&*log, 10).await, [], "an empty log has no records");
    assert_eq!(count_records(&*log, None).await, 0, "an empty log has no records");
    assert_eq!(forget(&*log, time(1_000)).await, 0, "an empty log has none to forget");

    let content = ContentHash::parse("0000000000000001.ffffffffffffffff");
    let ids = ["", "ZWEI", "zwei ✓ '\"", "a\u{0}b", &"ß".repeat(3_000)].map(str::to_owned).into_iter();
    let ids = ids.chain((5..RECORDS).map(|n| format!("id-{n}")));
    let records: Vec<CommandRecord> =
        (1..=RECORDS).zip(ids).map(|(n, id)| CommandRecord { content, ..record(&id, n) }).collect();
    for record in &records {
        let mut tx = begin(&*log).await;
        let event = event(record.position.get(), "Done", &[], "{}");
        tx.append(&[event], std::slice::from_ref(record)).await.expect("a transaction can append");
        tx.commit().await.expect("a transaction can be committed");
    }
    for limit in [1, 4, 1_000] {
        let mut listed = list_records(&*log, limit).await;
        listed.sort_by_key(|record| record.position);
        assert_eq!(listed, records, "each record is listed once, as it was appended");
    }
    let (middle, first) = (records[9].recorded_at, records[0].recorded_at);
    assert_eq!(count_records(&*log, None).await, RECORDS, "every record counts");
    assert_eq!(count_records(&*log, Some(middle)).await, 9, "those before a time count");
    assert_eq!(forget(&*log, first).await, 0, "what was recorded at the time itself stays");
    assert_eq!(forget(&*log, middle).await, 9, "those before the time are removed");
    assert_eq!(forget(&*log, middle).await, 0, "and are gone then");
    let mut listed = list_records(&*log, 5).await;
    listed.sort_by_key(|record| record.position);
    assert_eq!(listed, records[9..], "the others stay");
    assert_eq!(log.head().await.expect("the head can be read"), RECORDS, "the events stay");

    // A removed id can be used again.
    let mut tx = begin(&*log).await;
    compare_records(&mut *tx, &[(records[8].id.as_str(), None), (records[9].id.as_str(), Some(&records[9]))]).await;
    let again = CommandRecord { position: Position::new(RECORDS), recorded_at: time(99), ..records[8].clone() };
    tx.append(&[], std::slice::from_ref(&again)).await.expect("a removed id can be used again");
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(forget(&*log, time(99)).await, RECORDS - 9, "the time of the second use counts");
    assert_eq!(list_records(&*log, 5).await, [again], "the second use is on record");
}

async fn list_records(log: &dyn EventLog, limit: usize) -> Vec<CommandRecord> {
    let mut all: Vec<CommandRecord> = Vec::new();
    loop {
        let after = all.last().map(|record| record.id.clone());
        let page = log.command_records(after.as_ref(), limit).await.expect("records can be listed");
        assert!(page.len() <= limit, "a page holds no more than was asked for");
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

async fn count_records(log: &dyn EventLog, before: Option<Timestamp>) -> u64 {
    log.count_command_records(before).await.expect("records can be counted")
}

async fn forget(log: &dyn EventLog, before: Timestamp) -> u64 {
    log.forget_commands(before).await.expect("records can be removed")
}

async fn compare_records(tx: &mut dyn LogTransaction, expected: &[(&str, Option<&CommandRecord>)]) {
    let ids: Vec<CommandId> = expected.iter().map(|(id, _)| CommandId::new(id)).collect();
    let known = tx.commands(&ids).await.expect("commands can be looked up");
    let expected: Vec<_> = expected.iter().map(|(_, record)| record.cloned()).collect();
    assert_eq!(known, expected, "records are found by their ids, in the order that these are asked in");
}

/// Exactly one of many concurrent appends succeeds whose condition is that no event exists yet.
pub async fn one_of_many_conditional_appends_succeeds(log: Arc<dyn EventLog>) {
    let query = EventQuery::tagged(Tag::from_text("seat:1"));
    let mut rivals = JoinSet::new();
    for rival in 0..50 {
        let (log, query) = (Arc::clone(&log), query.clone());
        rivals.spawn(async move {
            let entry = AppendEntry::new(Taken { seat: 1, by: rival }).unless(query, Position::START);
            append(&*log, vec![entry]).await.expect("the log can be appended to").remove(0).is_ok()
        });
    }
    let mut winners = 0;
    while let Some(won) = rivals.join_next().await {
        winners += usize::from(won.expect("a rival ends well"));
    }
    assert_eq!(winners, 1, "of 50 appends on the condition that there is none yet, one succeeds");
    let page = page(&*log, &query, Position::START, 100).await;
    assert_eq!(page.events.len(), 1, "an append whose condition failed stores nothing");
}

/// The entries of a batch whose conditions hold are stored. A condition sees the entries before it.
pub async fn a_failed_condition_spares_the_rest_of_its_batch(log: Arc<dyn EventLog>) {
    let seat = |n: u64| EventQuery::tagged(Tag::from_text(&format!("seat:{n}")));
    let taken = |seat: u64| AppendEntry::new(Taken { seat, by: 1 });
    let batch = vec![
        taken(1).unless(seat(1), Position::START),
        taken(1).unless(seat(1), Position::START),
        taken(2).unless(seat(2), Position::START),
    ];
    let outcomes = append(&*log, batch).await.expect("the log can be appended to");
    let held: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(held, [true, false, true], "a condition sees the entries before it, and fails alone");
    let later = append(&*log, vec![taken(1).unless(seat(1), Position::new(1))]).await;
    let later = later.expect("the log can be appended to").remove(0);
    assert_eq!(later.map(|appended| appended.first.get()), Ok(3), "a condition ignores events up to its position");
}

/// An unregistered event, so that programs that link these checks need not know it.
#[derive(Serialize, Deserialize)]
struct Taken {
    seat: u64,
    by: u64,
}

impl Event for Taken {
    const NAME: &'static str = "ConformanceSeatTaken";
    const VERSION: u32 = 1;
    const TAGS: &'static [TagInfo] = &[TagInfo { field: "seat", prefix: "seat" }];
    const JSON: Codec<Self> = Codec::SERDE;
    fn tags(&self, tags: &mut Vec<Tag>) {
        tags.push(Tag::from_text(&format!("seat:{}", self.seat)));
    }
}

/// An event at a position.
pub(crate) fn event(position: u64, name: &str, tags: &[&str], data: &str) -> RecordedEvent {
    let mut tags: Vec<Tag> = tags.iter().map(|tag| Tag::from_text(tag)).collect();
    tags.sort_unstable();
    let header = EventHeader {
        position: Position::new(position),
        id: Uuid::now_v7(),
        name: name.to_owned().into(),
        version: 1,
        tags,
        meta: Arc::new(Meta::new()),
        recorded_at: Timestamp::now(),
    };
    RecordedEvent::new(header, data.into())
}

/// A transaction on the log, whose lock must be free.
pub(crate) async fn begin(log: &dyn EventLog) -> Box<dyn LogTransaction> {
    let begun = tokio::time::timeout(PATIENCE, log.begin()).await;
    begun.expect("a lock that nobody holds can be had").expect("the log can be locked")
}

fn record(id: &str, position: u64) -> CommandRecord {
    CommandRecord {
        id: CommandId::new(id),
        command: "DoIt".into(),
        position: Position::new(position),
        events: 1,
        returned: "null".into(),
        content: None,
        recorded_at: time(position.cast_signed()),
    }
}

/// The time this many seconds after the start of 2026.
fn time(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_767_225_600 + seconds) * 1_000_000 + 7).expect("a time of the calendar")
}

async fn store(tx: &mut dyn LogTransaction, events: &[RecordedEvent]) {
    tx.append(events, &[]).await.expect("a transaction can append");
}

async fn commit(log: &dyn EventLog, events: &[RecordedEvent]) {
    let mut tx = begin(log).await;
    store(&mut *tx, events).await;
    tx.commit().await.expect("a transaction can be committed");
}

async fn page(log: &dyn EventLog, query: &EventQuery, after: Position, limit: usize) -> Page {
    log.read(query, after, limit).await.expect("the log can be read")
}

fn positions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position().get()).collect()
}

const NAMES: [&str; 4] = ["Opened", "Closed", "opened", "Größe"];
const TAGS: [&str; 6] = ["a:1", "a:2", "b:1", "A:1", "a:1 ", "b:ü"];

fn random_events(random: &mut Random, first: u64, count: u64) -> Vec<RecordedEvent> {
    let mut one = |position| {
        let tags: Vec<&str> = TAGS.into_iter().filter(|_| random.once_in(3)).collect();
        event(position, NAMES[random.below(NAMES.len())], &tags, &format!("{{\"n\":{position}}}"))
    };
    (first..first + count).map(&mut one).collect()
}

fn random_query(random: &mut Random) -> EventQuery {
    let mut item = || QueryItem {
        names: NAMES.into_iter().filter(|_| random.once_in(3)).map(Into::into).collect(),
        tags: TAGS.into_iter().filter(|_| random.once_in(4)).map(Tag::from_text).collect(),
    };
    let items = [item(), item(), item()];
    EventQuery { items: items.into_iter().take(random.below(4)).collect() }
}

/// Compares a page of a log of `events` with what [`EventLog::read`] promises.
#[track_caller]
fn compare_page(
    page: &Page,
    events: &[RecordedEvent],
    query: &EventQuery,
    after: Position,
    limit: usize,
    random: &Random,
) {
    let expected: Vec<_> = events.iter().filter(|event| event.position() > after && query.matches(event)).collect();
    let asked = format!("{query:?} after {after}, at most {limit}; {}", random.again());
    let cut = &expected[..expected.len().min(limit)];
    let found = positions(&page.events);
    let wanted: Vec<u64> = cut.iter().map(|event| event.position().get()).collect();
    assert_eq!(found, wanted, "a read takes what its query matches, in order: {asked}");
    assert!(page.events.iter().eq(cut.iter().copied()), "a read delivers events as they were appended: {asked}");
    let up_to = if page.more { page.events.last() } else { events.last() };
    assert!(page.more || expected.len() <= limit, "a page that was cut says that there is more: {asked}");
    assert_eq!(page.up_to, up_to.map_or(Position::START, RecordedEvent::position), "how far a page reaches: {asked}");
}

/// A name register finds the names of the log's events, and keeps the first declaration of a name.
pub async fn names_are_found_and_declared(log: Arc<dyn EventLog>) {
    let Some(register) = log.names() else { return };
    assert_eq!(register.stored().await.expect("names"), StoredNames::default(), "an empty log holds no names");
    assert_eq!(register.declared().await.expect("names"), [], "nothing is declared before anyone does");
    let raw = |name: &str, tags: &[&str]| RawEvent {
        name: name.to_owned(),
        version: 1,
        tags: tags.iter().map(|tag| Tag::from_text(tag)).collect(),
        data: "{}".to_owned(),
    };
    let events = vec![
        raw("Shipped", &["order:2", "order-line:1"]),
        raw("Created", &["order:1", "customer:a:b"]),
        raw("Ünïcode with spaces", &["order:1", "no prefix", ":nothing before it"]),
        raw("Created", &["order:3", "a:1"]),
    ];
    append_raw(&*log, events, Meta::new()).await.expect("appended");
    let stored = register.stored().await.expect("names");
    assert_eq!(stored.events, ["Created", "Shipped", "Ünïcode with spaces"], "each name once, ascending");
    let mut prefixes: Vec<&str> = stored.tags.iter().map(Tag::prefix).collect();
    prefixes.sort_unstable();
    assert_eq!(prefixes, ["a", "customer", "order", "order-line"], "each prefix once: {:?}", stored.tags);
    for tag in &stored.tags {
        let found = page(&*log, &EventQuery::tagged(tag.clone()), Position::START, 1).await;
        assert_eq!(found.events.len(), 1, "`{tag}` is a tag of the log");
    }
    let at = Timestamp::from_micros(1_700_000_000_123_456).expect("a time");
    let declaration = |kind, name: &str, by: &str, replaced_by: Option<&str>| Declaration {
        kind,
        name: name.to_owned(),
        by: by.to_owned(),
        at,
        replaced_by: replaced_by.map(str::to_owned),
    };
    let first = [
        declaration(NameKind::Event, "Created", "a.rs:1", None),
        declaration(NameKind::Policy, "Created", "a.rs:2", None),
        declaration(NameKind::TagPrefix, "order", "a.rs:3", None),
    ];
    register.declare(&first).await.expect("declared");
    let second = [
        declaration(NameKind::Event, "Created", "b.rs:1", None),
        declaration(NameKind::Policy, "Created", "b.rs:2", Some("Made")),
        declaration(NameKind::Event, "Paid", "b.rs:3", None),
    ];
    register.declare(&second).await.expect("declared");
    register.declare(&first).await.expect("declared");
    let mut declared = register.declared().await.expect("names");
    declared.sort_by_key(|known| (known.declaration.kind, known.declaration.name.clone()));
    let replaced = Declaration { replaced_by: Some("Made".to_owned()), ..first[1].clone() };
    let expected = [(first[0].clone(), 1), (second[2].clone(), 2), (first[2].clone(), 1), (replaced, 1)];
    let expected = expected.map(|(declaration, generation)| DeclaredName { declaration, generation });
    assert_eq!(declared, expected, "a name keeps its first declaration, and gets what has taken its place");
}
