//! A sample domain: counters whose labels change. A test can break their folds and fix them.

use std::sync::Mutex;

use cqrs_runtime::log::RawEvent;
use cqrs_runtime::prelude::*;

/// The module that an app of the tally serves.
pub const TALLY: &str = module_path!();

#[derive(Id)]
pub struct ThingId(Uuid);

#[derive(Id)]
pub struct LabelId(Uuid);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Begun {
    #[tag]
    pub thing: ThingId,
    #[tag]
    pub label: LabelId,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Counted {
    #[tag]
    pub thing: ThingId,
    #[tag]
    pub label: LabelId,
    pub amount: i64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Labelled {
    #[tag]
    pub label: LabelId,
    pub text: String,
}

/// What the folds cannot take at present.
static SICK: Mutex<Vec<ThingId>> = Mutex::new(Vec::new());

/// Breaks the folds for a thing's negative amounts, or repairs them.
pub fn set_sick(thing: ThingId, is_sick: bool) {
    let mut sick = SICK.lock().unwrap();
    sick.retain(|other| *other != thing);
    if is_sick {
        sick.push(thing);
    }
}

fn check(event: &Counted) {
    let is_sick = SICK.lock().unwrap().contains(&event.thing);
    assert!(event.amount >= 0 || !is_sick, "it cannot count backwards");
}

#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct LabelCard {
    #[key]
    pub label: LabelId,
    pub text: String,
}

#[projection(on = [Labelled])]
impl LabelCard {
    fn labelled(_: Option<Self>, event: &Labelled) -> Self {
        assert_ne!(event.text, "unspeakable");
        Self { label: event.label, text: event.text.clone() }
    }
}

/// With the label's text as it was at each count.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Tally {
    #[key]
    pub thing: ThingId,
    #[index]
    pub label: LabelId,
    pub total: i64,
    pub texts: Vec<String>,
    pub relabelled: u32,
}

#[projection(on = [Begun, Counted, Labelled])]
impl Tally {
    fn begun(event: &Begun) -> Self {
        Self { thing: event.thing, label: event.label, total: 0, texts: Vec::new(), relabelled: 0 }
    }
    fn counted(&mut self, event: &Counted, label: Option<&LabelCard>) {
        check(event);
        self.total += event.amount;
        self.texts.push(label.map(|card| card.text.clone()).unwrap_or_default());
    }
    #[by(label)]
    fn labelled(&mut self, _: &Labelled) {
        self.relabelled += 1;
    }
}

/// Without look-ups: how often a thing was counted.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Counts {
    #[key]
    pub thing: ThingId,
    pub amounts: Vec<i64>,
}

#[projection(on = [Counted])]
impl Counts {
    fn counted(this: Option<Self>, event: &Counted) -> Self {
        check(event);
        let mut amounts = this.map(|this| this.amounts).unwrap_or_default();
        amounts.push(event.amount);
        Self { thing: event.thing, amounts }
    }
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = (Vec<Tally>, Vec<Counts>))]
pub struct Everything {}

#[query]
async fn everything(
    _q: Everything,
    tallies: Views<Tally>,
    counts: Views<Counts>,
) -> Result<(Vec<Tally>, Vec<Counts>), QueryError> {
    Ok((tallies.scan().all().await?, counts.scan().all().await?))
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Counts>)]
pub struct JustCounts {}

#[query]
async fn just_counts(_q: JustCounts, counts: Views<Counts>) -> Result<Vec<Counts>, QueryError> {
    counts.scan().all().await
}

pub fn begun(thing: ThingId, label: LabelId) -> RawEvent {
    RawEvent::of(&Begun { thing, label }).unwrap()
}

pub fn counted(thing: ThingId, label: LabelId, amount: i64) -> RawEvent {
    RawEvent::of(&Counted { thing, label, amount }).unwrap()
}

pub fn labelled(label: LabelId, text: &str) -> RawEvent {
    RawEvent::of(&Labelled { label, text: text.into() }).unwrap()
}
