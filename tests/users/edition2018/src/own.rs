//! A domain of its own.

use cqrs_runtime::prelude::*;
use std::convert::Infallible;

/// Names a counter.
#[derive(Id)]
pub struct CounterId(Uuid);

/// It was counted. A keyword of a later edition is a plain name in this one.
#[derive(Event, Serialize, Deserialize)]
pub struct Counted {
    /// Which.
    #[tag]
    pub counter: CounterId,
    /// How.
    pub gen: u32,
}

/// One of several.
#[derive(Events)]
pub enum Outcome {
    /// The one.
    Counted(Counted),
}

/// Counts.
#[derive(Command, Serialize, Deserialize)]
pub struct Count {
    /// Which.
    pub counter: CounterId,
}

/// Counts, and takes its time.
#[derive(Command, Serialize, Deserialize)]
pub struct CountSlowly {
    /// Which.
    pub counter: CounterId,
}

/// A counter.
#[derive(Default)]
pub struct Counter {
    count: u32,
}

#[aggregate(id = CounterId, on = [Counted])]
impl Counter {
    fn counted(this: Option<Self>, event: &Counted) -> Self {
        Self { count: this.unwrap_or_default().count + event.gen }
    }
}

#[command]
fn count(cmd: Count, counter: Option<&Counter>) -> Result<Outcome, Infallible> {
    let gen = u32::from(counter.map_or(0, |counter| counter.count) < 9);
    Ok(Outcome::Counted(Counted { counter: cmd.counter, gen }))
}

#[command]
async fn count_slowly(cmd: CountSlowly, _counter: &Counter, _meta: &Meta) -> Result<Counted, Infallible> {
    Ok(Counted { counter: cmd.counter, gen: 2 })
}

/// A count.
#[derive(View, Serialize, Deserialize, Clone)]
pub struct Total {
    /// Which.
    #[key]
    pub counter: CounterId,
    /// How much.
    #[index]
    pub gen: u32,
}

#[projection(on = [Counted])]
impl Total {
    fn counted(this: Option<Self>, event: &Counted) -> Self {
        Self { counter: event.counter, gen: this.map_or(0, |this| this.gen) + event.gen }
    }
}

/// Totals.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Total>)]
pub struct Totals {}

#[query]
async fn totals(_q: Totals, totals: Views<Total>) -> Result<Vec<Total>, QueryError> {
    totals.scan().order_by(Total::GEN.desc()).all().await
}
