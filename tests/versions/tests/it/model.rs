//! What the events come to: each answer has to be what some prefix of the log comes to, which holds what was asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use cqrs_runtime::log::{EventLog, EventQuery, Position};
use cqrs_versions_tests::shelves::{GROUPS, ShelfId, number_of};
use serde_json::{Value, json};

use crate::program::Version;

/// What was done to a shelf.
#[derive(Clone, Copy, Default)]
struct Shelf {
    stocked: u64,
    sold: u64,
    inspected: u64,
}

/// The log, as a test folds it.
pub struct Model {
    log: Arc<dyn EventLog>,
    /// What each shelf was after each of its events.
    shelves: BTreeMap<u32, Vec<(u64, Shelf)>>,
    head: u64,
    /// Whether what one query reads is of one moment.
    has_transactions: bool,
}

impl Model {
    pub fn new(log: &Arc<dyn EventLog>, has_transactions: bool) -> Self {
        Self { log: Arc::clone(log), shelves: BTreeMap::new(), head: 0, has_transactions }
    }

    /// Reads what was appended.
    pub async fn read(&mut self) -> u64 {
        loop {
            let page = self.log.read(&EventQuery::all(), Position::new(self.head), 5_000).await.unwrap();
            for event in &page.events {
                self.fold(event.position().get(), event.name(), event.data());
            }
            self.head = page.up_to.get();
            if !page.more {
                return self.head;
            }
        }
    }

    fn fold(&mut self, position: u64, name: &str, data: &str) {
        let data: Value = serde_json::from_str(data).unwrap();
        let shelf: ShelfId = serde_json::from_value(data["shelf"].clone()).unwrap();
        let states = self.shelves.entry(number_of(shelf)).or_default();
        let mut state = states.last().map(|(_, state)| *state).unwrap_or_default();
        match name {
            "Stocked" => state.stocked += 1,
            "Sold" => state.sold += 1,
            "Inspected" => state.inspected += 1,
            "Toppled" => return,
            other => panic!("an event `{other}`"),
        }
        states.push((position, state));
    }

    /// Says what is wrong with an answer that shows every event up to `from`, and none after what was read last.
    pub fn fault(&self, version: Version, query: &str, group: u32, answer: &Value, from: u64) -> Option<String> {
        let mut found: BTreeMap<u32, Value> = BTreeMap::new();
        for row in answer.as_array().unwrap() {
            let shelf: ShelfId = serde_json::from_value(row["shelf"].clone()).unwrap();
            if found.insert(number_of(shelf), row.clone()).is_some() {
                return Some(format!("two rows of {shelf}"));
            }
        }
        let shelves: Vec<u32> = self.shelves.keys().copied().filter(|shelf| shelf % GROUPS == group).collect();
        if let Some(stranger) = found.keys().find(|shelf| !shelves.contains(shelf)) {
            return Some(format!("a row of shelf {stranger}, which has none"));
        }
        let is_at = |shelf: u32, position: u64| self.row(version, query, shelf, position).as_ref() == found.get(&shelf);
        let moments = |shelf: u32| {
            let changes = self.shelves[&shelf].iter().map(|(position, _)| *position);
            std::iter::once(from).chain(changes.filter(move |position| *position > from))
        };
        if !self.has_transactions {
            let wrong = shelves.iter().find(|&&shelf| !moments(shelf).any(|position| is_at(shelf, position)));
            return wrong.map(|shelf| self.told(version, query, *shelf, from, found.get(shelf)));
        }
        let mut all: Vec<u64> = shelves.iter().flat_map(|&shelf| moments(shelf)).chain([from]).collect();
        all.sort_unstable();
        let one = all.iter().find(|position| shelves.iter().all(|&shelf| is_at(shelf, **position)));
        if one.is_some() {
            return None;
        }
        let wrong = shelves.iter().find(|&&shelf| !moments(shelf).any(|position| is_at(shelf, position)));
        Some(wrong.map_or_else(
            || "each row is right at some moment, but not all at one".to_owned(),
            |shelf| self.told(version, query, *shelf, from, found.get(shelf)),
        ))
    }

    fn told(&self, version: Version, query: &str, shelf: u32, from: u64, found: Option<&Value>) -> String {
        let (least, last) = (self.row(version, query, shelf, from), self.row(version, query, shelf, self.head));
        format!("shelf {shelf} is {found:?}; at {from} it was {least:?}, at {} {last:?}", self.head)
    }

    /// The row of a shelf at a position.
    fn row(&self, version: Version, query: &str, shelf: u32, position: u64) -> Option<Value> {
        let states = &self.shelves[&shelf];
        let state = states.partition_point(|(at, _)| *at <= position).checked_sub(1).map(|last| states[last].1)?;
        let Shelf { stocked, sold, inspected } = state;
        let key = serde_json::to_value(cqrs_versions_tests::shelves::shelf(shelf)).unwrap();
        let (group, text) = (shelf % GROUPS, format!("shelf {shelf}"));
        let row = match (query, version) {
            ("Tallies", _) => json!({ "shelf": key, "group": group, "stocked": stocked }),
            ("Contents", Version::Old) => {
                json!({ "shelf": key, "group": group, "stocked": stocked, "label": { "text": text } })
            }
            ("Contents", Version::New) => json!({
                "shelf": key, "group": group, "stocked": stocked, "sold": sold,
                "label": { "length": text.len(), "text": text }
            }),
            ("Inspections", Version::New) => {
                json!({ "shelf": key, "group": group, "inspected": inspected, "sold": sold })
            }
            other => panic!("there is no {other:?}"),
        };
        let is_there = if query == "Inspections" { inspected + sold > 0 } else { stocked > 0 };
        is_there.then_some(row)
    }
}
