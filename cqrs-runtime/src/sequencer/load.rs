//! Loading aggregates: their snapshots, and what has happened since.

use std::borrow::{Borrow, BorrowMut};
use std::collections::HashMap;

use super::PAGE;
use super::entry::Entry;
use crate::event::RecordedEvent;
use crate::id::Tag;
use crate::log::{
    Bookmark, EventLog, EventQuery, LogTransaction, Page, Position, StoreError, StoreTimeout, lost_while_read,
};
use crate::observing::Figures;
use crate::snapshot::Keeper;

/// Where events are read from.
pub(crate) struct Source<'a> {
    log: &'a dyn EventLog,
    /// The log under its lock.
    locked: Option<&'a mut dyn LogTransaction>,
    timeout: &'a StoreTimeout,
}

impl<'a> Source<'a> {
    /// The log.
    pub(crate) fn log(log: &'a dyn EventLog, timeout: &'a StoreTimeout) -> Self {
        Self { log, locked: None, timeout }
    }

    /// The log under its lock.
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

/// Loads these entries, which are empty, and returns the position that all of them are at: none lacks an event up to there.
///
/// Those without a snapshot are read in one go, from the first event. Of the others, those that start within a page of each
/// other are read together: so an aggregate costs the events after its snapshot, and a group at most a page more.
pub(crate) async fn load(
    entries: &mut [Entry],
    source: &mut Source<'_>,
    keeper: &Keeper,
    figures: &Figures,
) -> Result<Bookmark, StoreError> {
    if entries.is_empty() {
        return Ok(Bookmark::START);
    }
    keeper.restore(entries, source.timeout).await;
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
        // Once without its snapshot, an aggregate is what it is.
        to_read.retain(|&at| entries[at].give_up_snapshot(std::mem::take(&mut on_snapshot[at])));
        from_snapshots -= to_read.len().min(from_snapshots);
    }
    figures.loaded(from_snapshots, entries.len());
    let mut reached = reached.unwrap_or(Bookmark::START);
    if readings > 1 {
        // Each group was read at its own moment: this brings all of them to one.
        let all: Vec<usize> = (0..entries.len()).collect();
        reached = read_after(entries, &all, reached, source).await?;
    }
    keeper.rehearse(entries);
    Ok(reached)
}

/// Loads those of these entries, which are empty, that take one page together. Says for each where it is then; one that is
/// nowhere is to be loaded by itself.
pub(super) async fn load_small(
    entries: &mut [Entry],
    source: &mut Source<'_>,
    keeper: &Keeper,
    figures: &Figures,
) -> Vec<Option<Bookmark>> {
    keeper.restore(entries, source.timeout).await;
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
    figures.loaded(from_snapshots, loaded);
    keeper.rehearse(entries);
    reached
}

/// What is sorted by its start, cut where one starts a page after the first of its group.
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

/// Reads what these entries lack, the first of which starts the earliest.
async fn read(entries: &mut [Entry], group: &[usize], source: &mut Source<'_>) -> Result<Bookmark, StoreError> {
    let start = group.first().map_or(Position::START, |&at| entries[at].start());
    // A snapshot is compared with its own event; which one is right before it, nobody knows.
    read_after(entries, group, start.into(), source).await
}

/// Reads what these entries lack after `after`, and returns how far that goes.
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

/// Brings these entries, none of which lacks an event up to `after`, up to the present.
pub(crate) async fn bring_up(
    entries: &mut [&mut Entry],
    after: Bookmark,
    source: &mut Source<'_>,
) -> Result<Bookmark, StoreError> {
    let all: Vec<usize> = (0..entries.len()).collect();
    read_after(entries, &all, after, source).await
}

/// The events that these entries are folded from.
fn query<E: Borrow<Entry>>(entries: &[E], group: &[usize]) -> EventQuery {
    EventQuery { items: group.iter().map(|&at| entries[at].borrow().slot.query()).collect() }
}

/// Where the entries of each tag are.
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
