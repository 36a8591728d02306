//! Meters that are read, and swapped: aggregates with snapshots, and one kind without.

use std::collections::BTreeMap;

use cqrs_runtime::aggregate::Aggregate;
use cqrs_runtime::log::{EventLog, EventQuery, RawEvent, append_raw};
use cqrs_runtime::prelude::*;

/// The module that an app serves.
pub const METERS: &str = module_path!();

#[derive(Id)]
pub struct MeterId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct MeterPlaced {
    #[tag]
    pub meter: MeterId,
}

#[derive(Event, Serialize, Deserialize)]
pub struct MeterRead {
    #[tag]
    pub meter: MeterId,
    pub value: i64,
}

#[derive(Event, Serialize, Deserialize)]
pub struct MetersSwapped {
    #[tag]
    pub one: MeterId,
    #[tag]
    pub other: MeterId,
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum MeterError {
    #[error("it shows {0}")]
    Shows(String),
}

/// A state of several shapes within.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
pub struct Meter {
    sum: i64,
    last: Vec<i64>,
    trend: Trend,
    swapped: BTreeMap<MeterId, u32>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
pub enum Trend {
    Unknown,
    Rises { by: i64 },
    Falls(i64),
}

#[aggregate(id = MeterId, on = [MeterPlaced, MeterRead, MetersSwapped], snapshots)]
impl Meter {
    fn placed(_: &MeterPlaced) -> Self {
        Self { sum: 0, last: Vec::new(), trend: Trend::Unknown, swapped: BTreeMap::new() }
    }
    fn read(&mut self, event: &MeterRead) {
        let by = event.value - self.last.last().copied().unwrap_or(0);
        self.trend = if by < 0 { Trend::Falls(-by) } else { Trend::Rises { by } };
        self.sum = self.sum.wrapping_mul(31).wrapping_add(event.value);
        self.last.push(event.value);
        if self.last.len() > 3 {
            self.last.remove(0);
        }
    }
    fn swapped(&mut self, event: &MetersSwapped, id: &MeterId) {
        let with = if event.one == *id { event.other } else { event.one };
        *self.swapped.entry(with).or_default() += 1;
    }
}

/// The same events, and no snapshots.
pub struct Seal {
    readings: u32,
}

#[aggregate(id = MeterId, on = [MeterPlaced, MeterRead])]
impl Seal {
    fn placed(_: &MeterPlaced) -> Self {
        Self { readings: 0 }
    }
    fn read(&mut self, _: &MeterRead) {
        self.readings += 1;
    }
}

#[derive(Command, Serialize, Deserialize)]
pub struct Place {
    pub meter: MeterId,
}

#[command]
fn place(cmd: Place, _meter: Absent<Meter>) -> Result<MeterPlaced, std::convert::Infallible> {
    Ok(MeterPlaced { meter: cmd.meter })
}

#[derive(Command, Serialize, Deserialize)]
pub struct Read {
    pub meter: MeterId,
    pub value: i64,
}

#[command]
fn read(cmd: Read, _meter: &Meter) -> Result<MeterRead, std::convert::Infallible> {
    Ok(MeterRead { meter: cmd.meter, value: cmd.value })
}

#[derive(Command, Serialize, Deserialize)]
pub struct Swap {
    pub one: MeterId,
    pub other: MeterId,
}

#[command]
fn swap(cmd: Swap, one: &Meter, other: &Meter) -> Result<MetersSwapped, std::convert::Infallible> {
    let _ = (one, other);
    Ok(MetersSwapped { one: cmd.one, other: cmd.other })
}

/// Refused, with the state as JSON.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = MeterError)]
pub struct Show {
    pub meter: MeterId,
}

#[command]
fn show(cmd: Show, meter: &Meter) -> Result<Option<MeterRead>, MeterError> {
    let _ = cmd;
    Err(MeterError::Shows(serde_json::to_string(meter).unwrap()))
}

#[derive(Command, Serialize, Deserialize)]
pub struct ReadSealed {
    pub meter: MeterId,
}

#[command]
fn read_sealed(cmd: ReadSealed, meter: &Seal) -> Result<MeterRead, std::convert::Infallible> {
    Ok(MeterRead { meter: cmd.meter, value: meter.readings.into() })
}

/// As [`Read`], as a workflow.
#[derive(Command, Serialize, Deserialize)]
pub struct ReadSlowly {
    pub meter: MeterId,
}

#[command]
async fn read_slowly(cmd: ReadSlowly, meter: &Meter) -> Result<MeterRead, std::convert::Infallible> {
    Ok(MeterRead { meter: cmd.meter, value: meter.sum % 10 })
}

/// The JSON of what decisions are made on.
pub async fn shown(app: &App, meter: MeterId) -> String {
    match app.commands().execute(Show { meter }).await {
        Err(CommandError::Rejected(MeterError::Shows(state))) => state,
        other => panic!("{other:?}"),
    }
}

/// The JSON of a fold of the whole history.
pub async fn folded(log: &dyn EventLog, meter: MeterId) -> String {
    let events = log.read(&EventQuery::tagged(meter.tag()), Position::START, usize::MAX).await.unwrap().events;
    let mut state = None;
    for event in &events {
        Meter::fold(&mut state, event, &meter).unwrap();
    }
    serde_json::to_string(&state.unwrap()).unwrap()
}

/// Appends, behind every app's back, a meter's first events: it is placed, and read.
pub async fn history(log: &dyn EventLog, meter: MeterId, events: usize) -> Position {
    let mut raw = vec![RawEvent::of(&MeterPlaced { meter }).unwrap()];
    let readings = (1..).map(|value| RawEvent::of(&MeterRead { meter, value }).unwrap());
    raw.extend(readings.take(events - 1));
    append_raw(log, raw, Meta::new()).await.unwrap()
}
