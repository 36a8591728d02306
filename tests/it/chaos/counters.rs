//! What is counted: each event says what a row has to hold once it is applied, so that every look at a view can be checked.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};

use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::ViewShape;
use tokio::sync::OnceCell;

/// The module that an app serves.
pub const COUNTERS: &str = module_path!();

/// A group has so many counters.
pub const GROUP: u32 = 4;

/// So many events make a lap.
const LAP: u64 = 3;

/// The views, which are named as the projections that make them.
pub async fn shapes() -> [ViewShape; 2] {
    static SHAPES: OnceCell<[ViewShape; 2]> = OnceCell::const_new();
    let of_app = async || {
        let app = App::builder().log(MemoryLog::new()).only_modules([COUNTERS]).build().await.unwrap();
        [app.shape_of::<Tally>().unwrap(), app.shape_of::<Lap>().unwrap()]
    };
    *SHAPES.get_or_init(of_app).await
}

/// What rows that are made from now on say of the build that they belong to.
pub static BUILD: AtomicU32 = AtomicU32::new(0);

#[derive(Id)]
pub struct CounterId(Uuid);

/// The counter of this number.
pub fn counter(number: u32) -> CounterId {
    CounterId::from(Uuid::from_u128(number.into()))
}

fn group_of(counter: CounterId) -> u32 {
    u32::try_from(counter.0.as_u128()).unwrap_or(u32::MAX) / GROUP
}

#[derive(Event, Serialize, Deserialize)]
pub struct Counted {
    #[tag]
    pub counter: CounterId,
    /// Which of the counter's counts this is, from 1.
    pub number: u64,
    /// Which of its lap.
    pub in_lap: u64,
}

#[derive(Event, Serialize, Deserialize)]
pub struct LapEnded {
    #[tag]
    pub counter: CounterId,
}

pub struct Counter {
    count: u64,
    in_lap: u64,
}

#[aggregate(id = CounterId, on = [Counted, LapEnded])]
impl Counter {
    fn counted(_: Option<Self>, event: &Counted) -> Self {
        Self { count: event.number, in_lap: event.in_lap }
    }
    fn ended(&mut self, _: &LapEnded) {
        self.in_lap = 0;
    }
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Infallible)]
pub struct Count {
    pub counter: CounterId,
}

#[command]
fn count(cmd: Count, counter: Option<&Counter>) -> Result<(Counted, Option<LapEnded>), Infallible> {
    let (count, in_lap) = counter.map_or((0, 0), |counter| (counter.count, counter.in_lap));
    let event = Counted { counter: cmd.counter, number: count + 1, in_lap: in_lap + 1 };
    let ended = (event.in_lap == LAP).then_some(LapEnded { counter: cmd.counter });
    Ok((event, ended))
}

/// All that was counted.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Tally {
    #[key]
    pub counter: CounterId,
    #[index]
    pub group: u32,
    /// How many events were applied.
    pub applied: u64,
    /// The number of the last one.
    pub number: u64,
    pub build: u32,
}

#[projection(on = [Counted])]
impl Tally {
    fn counted(this: Option<Self>, event: &Counted) -> Self {
        let mut tally = this.unwrap_or_else(|| Self {
            counter: event.counter,
            group: group_of(event.counter),
            applied: 0,
            number: 0,
            build: BUILD.load(Ordering::SeqCst),
        });
        tally.applied += 1;
        tally.number = event.number;
        tally
    }
}

/// The lap that is under way: a row that comes and goes.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Lap {
    #[key]
    pub counter: CounterId,
    #[index]
    pub group: u32,
    /// How many events of it were applied.
    pub applied: u64,
}

#[projection(on = [Counted, LapEnded])]
impl Lap {
    fn counted(this: Option<Self>, event: &Counted) -> Self {
        let lap = this.unwrap_or_else(|| Self { counter: event.counter, group: group_of(event.counter), applied: 0 });
        Self { applied: lap.applied + 1, ..lap }
    }
    fn ended(self, _: &LapEnded) -> Option<Self> {
        None
    }
}

/// The tallies of a group.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Tally>)]
pub struct OfGroup {
    pub group: u32,
}

#[query]
async fn of_group(q: OfGroup, tallies: Views<Tally>) -> Result<Vec<Tally>, QueryError> {
    tallies.find(Tally::GROUP.eq(q.group)).all().await
}
