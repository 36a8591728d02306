//! Loading aggregates: their snapshots, and what has happened since.

use std::collections::HashMap;

use super::PAGE;
use super::entry::Entry;
use crate::event::RecordedEvent;
use crate::log::{Bookmark, EventLog, EventQuery, LogTransaction, Page, Position, StoreError, lost_while_read};
use crate::observing::Figures;
use crate::snapshot::Keeper;

/// Where events are read from.
pub(crate) enum Source<'a> {
    /// The log.
    Log(&'a dyn EventLog),
    /// The log under its lock.
    Locked(&'a mut dyn LogTransaction),
}

impl Source<'_> {
    async fn read(&mut self, query: &EventQuery, after: Position) -> Result<Page, StoreError> {
        match self {
            Self::Log(log) => log.read(query, after, PAGE).await,
            Self::Locked(tx) => tx.read(query, after, PAGE).await,
        }
    }
}

/// Loads these entries, which are empty, and returns the position that all of them stand at: none lacks an event up to there.
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
    keeper.restore(entries).await;
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

async fn read_after(
    entries: &mut [Entry],
    group: &[usize],
    mut after: Bookmark,
    source: &mut Source<'_>,
) -> Result<Bookmark, StoreError> {
    let query = EventQuery { items: group.iter().map(|&at| entries[at].slot.query()).collect() };
    let mut by_tag: HashMap<_, Vec<usize>> = HashMap::new();
    for &at in group {
        by_tag.entry(entries[at].slot.tag().clone()).or_default().push(at);
    }
    let mut fold = |event: &RecordedEvent| {
        for &at in event.tags().iter().filter_map(|tag| by_tag.get(tag)).flatten() {
            if entries[at].slot.kind().events.contains(&event.name()) {
                entries[at].fold(event);
            }
        }
    };
    loop {
        let page = source.read(&query, after.position).await?;
        if after.event.is_some() && !page.continues(after) {
            return Err(lost_while_read(after));
        }
        page.events.iter().for_each(&mut fold);
        after = page.end();
        if !page.more {
            return Ok(after);
        }
    }
}
