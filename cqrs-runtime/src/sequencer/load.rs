//! Loads aggregates: their snapshots, and the events since.

use std::borrow::{Borrow, BorrowMut};
use std::collections::HashMap;

use super::cached::Entry;
use super::snapshots::SnapshotWriter;
use super::timeout::StoreTimeout;
use crate::projection::PAGE;
use crate::telemetry::Recorder;
use cqrs_core::event::RecordedEvent;
use cqrs_core::id::Tag;
use cqrs_core::log::{EventLog, EventQuery, LogTransaction, Page, lost_while_read};
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;

/// The source of events.
pub(crate) struct Source<'a> {
    log: &'a dyn EventLog,
    /// A transaction on the log.
    locked: Option<&'a mut dyn LogTransaction>,
    timeout: &'a StoreTimeout,
}

impl<'a> Source<'a> {
    /// Reads without a lock.
    pub(crate) fn log(log: &'a dyn EventLog, timeout: &'a StoreTimeout) -> Self {
        Self { log, locked: None, timeout }
    }

    /// Reads in a transaction on the log.
    pub(crate) fn locked(log: &'a dyn EventLog, tx: &'a mut dyn LogTransaction, timeout: &'a StoreTimeout) -> Self {
        Self { log, locked: Some(tx), timeout }
    }

    pub(super) async fn read(&mut self, query: &EventQuery, after: Position) -> Result<Page, StoreError> {
        let reading = match &mut self.locked {
            Some(tx) => tx.read(query, after, PAGE),
            None => self.log.read(query, after, PAGE),
        };
        self.timeout.of(reading).await
    }
}

/// Loads these empty entries. Returns the position that all of them have reached.
///
/// Entries without a snapshot are read in one pass from the first event. Of the others, those whose snapshots are within a
/// page of each other are read together. So an aggregate costs the events after its snapshot, and a group at most one more
/// page.
pub(crate) async fn load(
    entries: &mut [Entry],
    source: &mut Source<'_>,
    snapshots: &SnapshotWriter,
    recorder: &Recorder,
) -> Result<Bookmark, StoreError> {
    if entries.is_empty() {
        return Ok(Bookmark::START);
    }
    snapshots.restore(entries, source.timeout).await;
    let mut on_snapshot: Vec<bool> = entries.iter().map(Entry::is_on_snapshot).collect();
    let mut from_snapshots = on_snapshot.iter().filter(|&&on_snapshot| on_snapshot).count();
    let mut to_read: Vec<usize> = (0..entries.len()).collect();
    let mut reached = None::<Bookmark>;
    let mut readings = 0;
    while !to_read.is_empty() {
        to_read.sort_by_key(|&at| entries[at].start());
        for group in groups(&to_read, entries) {
            let up_to = read(entries, &group, source).await?;
            reached = reached.filter(|reached| reached.position <= up_to.position).or(Some(up_to));
            readings += 1;
        }
        // An aggregate without its snapshot is final.
        to_read.retain(|&at| entries[at].give_up_snapshot(std::mem::take(&mut on_snapshot[at])));
        from_snapshots -= to_read.len().min(from_snapshots);
    }
    recorder.loaded(from_snapshots, entries.len());
    let mut reached = reached.unwrap_or(Bookmark::START);
    if readings > 1 {
        // The groups were read at different times: this brings all of them to one position.
        let all: Vec<usize> = (0..entries.len()).collect();
        reached = read_after(entries, &all, reached, source).await?;
    }
    snapshots.rehearse(entries);
    Ok(reached)
}

/// Loads those of these empty entries that fit on one page together. Returns the position of each; entries without one
/// must be loaded separately.
pub(super) async fn load_small(
    entries: &mut [Entry],
    source: &mut Source<'_>,
    snapshots: &SnapshotWriter,
    recorder: &Recorder,
) -> Vec<Option<Bookmark>> {
    snapshots.restore(entries, source.timeout).await;
    let mut reached = vec![None; entries.len()];
    let mut sorted: Vec<usize> = (0..entries.len()).collect();
    sorted.sort_by_key(|&at| entries[at].start());
    let (mut loaded, mut from_snapshots) = (0, 0);
    for group in groups(&sorted, entries) {
        let start = group.first().map_or(Position::START, |&at| entries[at].start());
        let on_snapshot: Vec<bool> = group.iter().map(|&at| entries[at].is_on_snapshot()).collect();
        let Ok(page) = source.read(&query(entries, &group), start).await else { continue };
        let by_tag = by_tag(entries, &group);
        fold(entries, &by_tag, &page.events);
        if page.more {
            continue;
        }
        for (at, on_snapshot) in group.into_iter().zip(on_snapshot) {
            if !entries[at].give_up_snapshot(on_snapshot) {
                reached[at] = Some(page.end());
                (loaded, from_snapshots) = (loaded + 1, from_snapshots + usize::from(on_snapshot));
            }
        }
    }
    recorder.loaded(from_snapshots, loaded);
    snapshots.rehearse(entries);
    reached
}

/// Cuts entries, which are sorted by start, into groups. A group's starts are within a page of its first.
fn groups(sorted: &[usize], entries: &[Entry]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for &at in sorted {
        let start = entries[at].start();
        match groups.last_mut() {
            Some(group) if start.distance_from(entries[group[0]].start()) < PAGE as u64 => group.push(at),
            _ => groups.push(vec![at]),
        }
    }
    groups
}

/// Reads the missing events of these entries. The first entry starts earliest.
async fn read(entries: &mut [Entry], group: &[usize], source: &mut Source<'_>) -> Result<Bookmark, StoreError> {
    let start = group.first().map_or(Position::START, |&at| entries[at].start());
    // A snapshot is checked by its own event. The event before it is not known.
    read_after(entries, group, start.into(), source).await
}

/// Reads the missing events of these entries after `after`, and returns the end of what was read.
async fn read_after<E: BorrowMut<Entry>>(
    entries: &mut [E],
    group: &[usize],
    mut after: Bookmark,
    source: &mut Source<'_>,
) -> Result<Bookmark, StoreError> {
    let (query, by_tag) = (query(entries, group), by_tag(entries, group));
    loop {
        let page = source.read(&query, after.position).await?;
        if after.event.is_some() && !page.continues(after) {
            return Err(lost_while_read(after));
        }
        fold(entries, &by_tag, &page.events);
        after = page.end();
        if !page.more {
            return Ok(after);
        }
    }
}

/// Reads the events after `after` of these entries, which have all events up to there.
pub(crate) async fn bring_up(
    entries: &mut [&mut Entry],
    after: Bookmark,
    source: &mut Source<'_>,
) -> Result<Bookmark, StoreError> {
    let all: Vec<usize> = (0..entries.len()).collect();
    read_after(entries, &all, after, source).await
}

/// The query for the events of these entries.
fn query<E: Borrow<Entry>>(entries: &[E], group: &[usize]) -> EventQuery {
    EventQuery { items: group.iter().map(|&at| entries[at].borrow().slot.query()).collect() }
}

/// The indexes of the entries, by tag.
type ByTag = HashMap<Tag, Vec<usize>>;

fn by_tag<E: Borrow<Entry>>(entries: &[E], group: &[usize]) -> ByTag {
    let mut by_tag = ByTag::new();
    for &at in group {
        by_tag.entry(entries[at].borrow().slot.tag().clone()).or_default().push(at);
    }
    by_tag
}

fn fold<E: BorrowMut<Entry>>(entries: &mut [E], by_tag: &ByTag, events: &[RecordedEvent]) {
    for event in events {
        for &at in event.tags().iter().filter_map(|tag| by_tag.get(tag)).flatten() {
            let entry = entries[at].borrow_mut();
            if entry.slot.kind().events.contains(&event.name()) {
                entry.fold(event);
            }
        }
    }
}
