//! Checks whether overlapping operations are linearizable: as if each had happened at one instant
//! between its call and its answer.
//!
//! It uses only the rows of events and the answers that callers got, and none of the tested code.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// A row of the log.
#[derive(Clone, Debug)]
pub struct Event {
    pub position: u64,
    pub name: String,
    pub tags: Vec<String>,
    /// The operation that appended it.
    pub op: u64,
    /// For a count: which number its decision gave it.
    pub number: Option<u64>,
}

/// An answer that one caller got, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Op {
    pub id: u64,
    pub begin: u64,
    pub end: u64,
    pub did: Did,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Did {
    /// It was appended at this position.
    Appended { first: u64, events: u64, condition: Option<Known> },
    /// The condition failed.
    Refused { condition: Known },
    /// The last event of a decision has this position.
    Decided { last: u64, events: u64 },
    /// A decision was declined at this count.
    Declined { counter: String, count: u64 },
    /// The head was at this position.
    Saw { head: u64 },
}

/// "No event with any of the names and all of the tags, of any of the items, after this position."
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Known {
    pub items: Vec<(Vec<String>, Vec<String>)>,
    pub after: u64,
}

impl Op {
    /// The first and last position of its events.
    fn span(&self) -> Option<(u64, u64)> {
        match self.did {
            Did::Appended { first, events, .. } => Some((first, first + events - 1)),
            Did::Decided { last, events } => Some((last + 1 - events, last)),
            _ => None,
        }
    }
}

/// Describes the first fault, if there is one.
pub fn history(events: &[Event], ops: &[Op]) -> Result<(), String> {
    for (event, position) in events.iter().zip(1..) {
        if event.position != position {
            return Err(format!("position {position} is missing or duplicate"));
        }
    }
    belongings(events, ops)?;
    counts(events)?;
    let (index, times) = (Index::new(events), Times::new(events.len() as u64, ops));
    for op in ops {
        times.real_time(op)?;
        let (least, most) = times.window(op);
        let wrong = match &op.did {
            Did::Appended { first, condition: Some(condition), .. } => {
                index.first_match(condition, *first - 1).map(|at| format!("the event at {at} violates its condition"))
            }
            Did::Refused { condition } => {
                index.first_match(condition, most).is_none().then(|| "no event violates its condition".into())
            }
            Did::Saw { head } => {
                (*head < least || *head > most).then(|| format!("the head was between {least} and {most}"))
            }
            Did::Declined { counter, count } => {
                let (least, most) = (index.count(counter, least), index.count(counter, most));
                (*count < least || *count > most).then(|| format!("the count was between {least} and {most}"))
            }
            Did::Appended { condition: None, .. } | Did::Decided { .. } => None,
        };
        if let Some(wrong) = wrong {
            return Err(format!("{op:?}: {wrong}"));
        }
    }
    Ok(())
}

/// Every stored event was acknowledged to its caller, and every acknowledged event is stored.
fn belongings(events: &[Event], ops: &[Op]) -> Result<(), String> {
    let mut owned = vec![false; events.len()];
    for op in ops {
        let Some((first, last)) = op.span() else { continue };
        for position in first..=last {
            let place = usize::try_from(position).ok().and_then(|position| position.checked_sub(1));
            let event = place.and_then(|place| events.get(place)).filter(|event| event.op == op.id);
            let (Some(place), Some(_)) = (place, event) else {
                return Err(format!("{op:?}: position {position} has another event: its own is lost"));
            };
            if std::mem::replace(&mut owned[place], true) {
                return Err(format!("{op:?}: {position} was acknowledged twice"));
            }
        }
    }
    match owned.iter().position(|owned| !owned) {
        Some(place) => Err(format!("{:?} was never acknowledged: it is duplicate, or was refused", events[place])),
        None => Ok(()),
    }
}

/// Each decision knew every count before its own.
fn counts(events: &[Event]) -> Result<(), String> {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for event in events {
        let Some(number) = event.number else { continue };
        let count = counts.entry(&event.tags[0]).or_default();
        *count += 1;
        if number != *count {
            return Err(format!("{event:?} is number {count} of its counter"));
        }
    }
    Ok(())
}

/// An index of events.
struct Index<'a> {
    events: &'a [Event],
    by_tag: HashMap<&'a str, Vec<u64>>,
    by_name: HashMap<&'a str, Vec<u64>>,
}

impl<'a> Index<'a> {
    fn new(events: &'a [Event]) -> Self {
        let mut index = Self { events, by_tag: HashMap::new(), by_name: HashMap::new() };
        for event in events {
            index.by_name.entry(&event.name).or_default().push(event.position);
            for tag in &event.tags {
                index.by_tag.entry(tag).or_default().push(event.position);
            }
        }
        index
    }

    /// The first event that matches a condition, between its position and `until`.
    fn first_match(&self, known: &Known, until: u64) -> Option<u64> {
        let of_item = |(names, tags): &(Vec<String>, Vec<String>)| {
            let lists: Vec<&[u64]> = match tags.first() {
                Some(tag) => self.by_tag.get(&**tag).map(Vec::as_slice).into_iter().collect(),
                None => names.iter().filter_map(|name| self.by_name.get(&**name)).map(Vec::as_slice).collect(),
            };
            let matches = |position: &u64| {
                let event = &self.events[usize::try_from(*position).unwrap() - 1];
                (names.is_empty() || names.contains(&event.name)) && tags.iter().all(|tag| event.tags.contains(tag))
            };
            let first = |list: &[u64]| {
                let start = list.partition_point(|position| *position <= known.after);
                list[start..].iter().take_while(|position| **position <= until).find(|at| matches(at)).copied()
            };
            lists.into_iter().filter_map(first).min()
        };
        known.items.iter().filter_map(of_item).min()
    }

    /// The number of events of a counter up to `until`.
    fn count(&self, counter: &str, until: u64) -> u64 {
        self.by_tag.get(counter).map_or(0, |list| list.partition_point(|position| *position <= until) as u64)
    }
}

/// Which positions existed at which time.
struct Times {
    head: u64,
    /// Ends of operations, each with the highest position acknowledged by then.
    ended: Vec<(u64, u64)>,
    /// Starts of operations, each with the lowest position of those that started then or later.
    begun: Vec<(u64, u64)>,
    /// For each position, the latest start of an operation at or before it.
    latest_begin: Vec<u64>,
}

impl Times {
    fn new(head: u64, ops: &[Op]) -> Self {
        let spans = || ops.iter().filter_map(|op| Some((op, op.span()?)));
        let mut ended: Vec<(u64, u64)> = spans().map(|(op, (_, last))| (op.end, last)).collect();
        ended.sort_unstable();
        let mut greatest = 0;
        for (_, position) in &mut ended {
            greatest = greatest.max(*position);
            *position = greatest;
        }
        let mut begun: Vec<(u64, u64)> = spans().map(|(op, (first, _))| (op.begin, first)).collect();
        begun.sort_unstable();
        let mut least = u64::MAX;
        for (_, position) in begun.iter_mut().rev() {
            least = least.min(*position);
            *position = least;
        }
        let mut latest_begin = vec![0; usize::try_from(head).unwrap() + 2];
        for (op, (_, last)) in spans() {
            latest_begin[usize::try_from(last).unwrap() + 1] = op.begin;
        }
        for place in 1..latest_begin.len() {
            latest_begin[place] = latest_begin[place].max(latest_begin[place - 1]);
        }
        Self { head, ended, begun, latest_begin }
    }

    /// Operations that ended before it started are before it, and those that started after its end
    /// are after it.
    fn real_time(&self, op: &Op) -> Result<(), String> {
        let Some((first, _)) = op.span() else { return Ok(()) };
        let begin = self.latest_begin[usize::try_from(first).unwrap()];
        if begin > op.end {
            return Err(format!("{op:?}: an operation that began at {begin}, after its answer, is before it"));
        }
        Ok(())
    }

    /// Between which positions the head was while the operation ran.
    fn window(&self, op: &Op) -> (u64, u64) {
        let before = self.ended.partition_point(|(end, _)| *end < op.begin);
        let least = before.checked_sub(1).map_or(0, |place| self.ended[place].1);
        let after = self.begun.partition_point(|(begin, _)| *begin <= op.end);
        let most = self.begun.get(after).map_or(self.head, |(_, first)| *first - 1);
        (least, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(position: u64, op: u64, name: &str, tag: &str, number: Option<u64>) -> Event {
        Event { position, name: name.into(), tags: vec![tag.into()], op, number }
    }

    fn op(id: u64, begin: u64, end: u64, did: Did) -> Op {
        Op { id, begin, end, did }
    }

    fn known(name: &str, tag: &str, after: u64) -> Known {
        Known { items: vec![(vec![name.into()], vec![tag.into()])], after }
    }

    /// A correct history.
    fn sound() -> (Vec<Event>, Vec<Op>) {
        let events = vec![
            event(1, 1, "Noted", "key:1", None),
            event(2, 2, "Counted", "counter:1", Some(1)),
            event(3, 2, "Counted", "counter:2", Some(1)),
            event(4, 3, "Counted", "counter:1", Some(2)),
            event(5, 4, "Noted", "key:2", None),
        ];
        let ops = vec![
            op(1, 10, 20, Did::Appended { first: 1, events: 1, condition: Some(known("Noted", "key:1", 0)) }),
            op(2, 30, 45, Did::Decided { last: 3, events: 2 }),
            op(3, 40, 50, Did::Decided { last: 4, events: 1 }),
            op(4, 60, 70, Did::Appended { first: 5, events: 1, condition: Some(known("Noted", "key:1", 1)) }),
            op(5, 25, 28, Did::Refused { condition: known("Noted", "key:1", 0) }),
            op(6, 41, 47, Did::Declined { counter: "counter:1".into(), count: 0 }),
            op(7, 41, 47, Did::Saw { head: 3 }),
        ];
        (events, ops)
    }

    #[test]
    fn a_correct_history_passes() {
        let (events, ops) = sound();
        history(&events, &ops).unwrap();
    }

    #[test]
    fn each_fault_is_found() {
        type Fault = fn(&mut Vec<Event>, &mut Vec<Op>);
        let faults: [(&str, Fault); 14] = [
            ("position 2 is missing", |events, _| drop(events.remove(1))),
            ("or duplicate", |events, _| events.insert(1, events[0].clone())),
            ("is lost", |events, _| drop(events.pop())),
            ("is lost", |events, _| events[4].op = 9),
            ("acknowledged twice", |_, ops| ops.push(ops[0].clone())),
            ("was never acknowledged", |_, ops| drop(ops.remove(0))),
            ("is number 2 of its counter", |events, _| events[3].number = Some(1)),
            ("the event at 1 violates its condition", |_, ops| {
                ops[3].did = Did::Appended { first: 5, events: 1, condition: Some(known("Noted", "key:1", 0)) };
            }),
            ("no event violates its condition", |_, ops| {
                ops[4].did = Did::Refused { condition: known("Noted", "key:1", 1) };
            }),
            ("no event violates its condition", |_, ops| {
                // The operation before it began only after its answer.
                ops[4].did = Did::Refused { condition: known("Noted", "key:2", 0) };
            }),
            ("after its answer", |_, ops| (ops[2].begin, ops[2].end) = (21, 22)),
            ("the head was between 1 and 4", |_, ops| ops[6].did = Did::Saw { head: 0 }),
            ("the head was between 1 and 4", |_, ops| ops[6].did = Did::Saw { head: 5 }),
            ("the count was between 0 and 2", |_, ops| {
                ops[5].did = Did::Declined { counter: "counter:1".into(), count: 3 };
            }),
        ];
        for (expected, fault) in faults {
            let (mut events, mut ops) = sound();
            fault(&mut events, &mut ops);
            let said = history(&events, &ops).expect_err(expected);
            assert!(said.contains(expected), "expected `{expected}`: {said}");
        }
    }
}
