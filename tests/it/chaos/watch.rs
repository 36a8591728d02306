//! A reader that looks at the views all the time, in spite of all that happens to their writers, and knows what each row has
//! to hold.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cqrs_runtime::App;
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog, Position, StoreError};
use cqrs_runtime::view::{Filter, Row, RowQuery, Value, ViewShape, ViewStore};
use tokio::task::JoinHandle;

use super::counters::{COUNTERS, Counted, GROUP, Lap, Tally, shapes};
use super::load::COUNTED;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A reader at work.
pub struct Watch {
    stop: Arc<AtomicBool>,
    /// The positions of all views.
    pub reached: Arc<AtomicU64>,
    task: JoinHandle<u64>,
}

impl Watch {
    /// Waits until there are views, and looks until it has to stop. `has_transactions`: whether a row never shows before its
    /// checkpoint.
    pub async fn start(log: &Arc<dyn EventLog>, views: &Arc<dyn ViewStore>, has_transactions: bool) -> Self {
        let (stop, reached) = (Arc::new(AtomicBool::new(false)), Arc::<AtomicU64>::default());
        for shape in &shapes().await {
            let started = Instant::now();
            while views.checkpoint(shape.name).await.unwrap().is_none() {
                assert!(started.elapsed() < PATIENCE, "nobody makes `{}`", shape.name);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let mut watcher = Watcher {
            log: Arc::clone(log),
            views: Arc::clone(views),
            has_transactions,
            events: Vec::new(),
            rows: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
        };
        let (until, told) = (Arc::clone(&stop), Arc::clone(&reached));
        let task = tokio::spawn(async move {
            let mut looks = 0;
            while !until.load(Ordering::SeqCst) {
                match watcher.look(looks).await {
                    Ok(reached) => {
                        looks += 1;
                        told.store(reached, Ordering::SeqCst);
                    }
                    // The server is down, or the connection was lost.
                    Err(StoreError::Unavailable { .. }) => tokio::time::sleep(Duration::from_millis(5)).await,
                    Err(error) => panic!("{error}"),
                }
            }
            looks
        });
        Self { stop, reached, task }
    }

    /// Waits until all views are at `position`, or after it.
    pub async fn wait_for(&self, position: u64) {
        let started = Instant::now();
        while self.reached.load(Ordering::SeqCst) < position {
            assert!(!self.task.is_finished(), "the reader saw what must not be");
            let reached = self.reached.load(Ordering::SeqCst);
            assert!(started.elapsed() < PATIENCE, "the views are at {reached}, and do not reach {position}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until the views have got on by so many events.
    pub async fn wait_for_more(&self, events: u64) {
        self.wait_for(self.reached.load(Ordering::SeqCst) + events).await;
    }

    /// Returns how often it has looked.
    pub async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.expect("the reader saw nothing that must not be")
    }
}

struct Watcher {
    log: Arc<dyn EventLog>,
    views: Arc<dyn ViewStore>,
    has_transactions: bool,
    /// What each event says, by its position: nothing of the end of a lap.
    events: Vec<Option<Counted>>,
    /// Where each row was seen last, and whether it was gone since.
    rows: BTreeMap<(&'static str, String), (Position, bool)>,
    checkpoints: BTreeMap<&'static str, Position>,
}

impl Watcher {
    async fn look(&mut self, number: u64) -> Result<u64, StoreError> {
        let mut reached = u64::MAX;
        for shape in &shapes().await {
            // All rows by their keys, or some by an index.
            let group = u32::try_from(number % 3).unwrap().checked_sub(1);
            let filter = group
                .map_or(Filter::All(Vec::new()), |group| Filter::OneOf("group", vec![Value::Integer(group.into())]));
            let query = RowQuery::new(filter);
            let rows = self.views.find(shape, &query).await?;
            let checkpoint = self.views.checkpoint(shape.name).await?.map(|at| at.position);
            let at = checkpoint.unwrap_or_default();
            let before = self.checkpoints.insert(shape.name, at).unwrap_or_default();
            assert!(at >= before, "`{}` went back from {before} to {at}", shape.name);
            self.check(shape, group, &rows, at).await?;
            reached = reached.min(at.get());
        }
        Ok(reached)
    }

    async fn check(
        &mut self,
        shape: &ViewShape,
        group: Option<u32>,
        rows: &[Row],
        at: Position,
    ) -> Result<(), StoreError> {
        let named = |row: &Row| (shape.name, row.key.clone());
        for row in rows {
            let (name, key, position) = (shape.name, &row.key, row.position);
            assert!(!self.has_transactions || position <= at, "`{name}` {key} at {position} shows before {at}");
            let event = self.event(position).await?;
            let event = event.unwrap_or_else(|| panic!("`{name}` {key} is at {position}, an event of others"));
            if name.starts_with("Tally@") {
                let tally: Tally = decoded(row);
                let (expected, found) = ((event.counter, event.number, event.number), &tally);
                assert_eq!((found.counter, found.applied, found.number), expected, "at {position}");
            } else {
                let lap: Lap = decoded(row);
                assert_eq!((lap.counter, lap.applied), (event.counter, event.in_lap), "a lap at {position}");
            }
            if let Some((before, gone)) = self.rows.insert(named(row), (position, false)) {
                assert!(position >= before, "`{name}` {key} went back from {before} to {position}");
                assert!(position > before || !gone, "`{name}` {key}, gone after {before}, has come back");
            }
        }
        let there: Vec<_> = rows.iter().map(named).collect();
        for (row, seen) in &mut self.rows {
            let number = u128::from_str_radix(&row.1.replace('-', ""), 16).unwrap();
            let looked_for = group.is_none_or(|group| number / u128::from(GROUP) == u128::from(group));
            seen.1 |= row.0 == shape.name && looked_for && !there.contains(row);
            assert!(!seen.1 || row.0.starts_with("Lap@"), "{row:?} has vanished");
        }
        Ok(())
    }

    /// The count at a position.
    async fn event(&mut self, position: Position) -> Result<Option<&Counted>, StoreError> {
        let place = usize::try_from(position.get()).unwrap() - 1;
        while self.events.len() <= place {
            let after = Position::new(self.events.len() as u64);
            let page = self.log.read(&EventQuery::all(), after, 10_000).await?;
            assert!(!page.events.is_empty(), "a row is at {position}, which the log does not reach");
            let counted = page
                .events
                .iter()
                .map(|event| (event.name() == "Counted").then(|| serde_json::from_str(event.data()).unwrap()));
            self.events.extend(counted);
        }
        Ok(self.events[place].as_ref())
    }
}

fn decoded<V: serde::de::DeserializeOwned>(row: &Row) -> V {
    serde_json::from_str(&row.document).unwrap()
}

/// Compares every row with those that an app at level 1 makes of the same events, from the start; nothing is parked.
pub async fn views_agree(log: &Arc<dyn EventLog>, views: &Arc<dyn ViewStore>) {
    let page = log.read(&EventQuery::all(), Position::START, 10_000_000).await.unwrap();
    let copy = MemoryLog::new();
    let mut tx = copy.begin().await.unwrap();
    tx.append(&page.events, &[]).await.unwrap();
    tx.commit().await.unwrap();
    let app = App::builder().log(copy.clone()).only_modules([COUNTERS]).build().await.unwrap();
    app.caught_up(page.up_to, Duration::from_secs(600)).await.unwrap();
    let every = RowQuery::all();
    for shape in &shapes().await {
        let folded = copy.views().unwrap().find(shape, &every).await.unwrap();
        assert_eq!(views.find(shape, &every).await.unwrap(), folded, "`{}` is what the log makes", shape.name);
        assert!(shape.name.starts_with("Lap@") || folded.len() == COUNTED as usize, "every counter was counted");
        let at = views.checkpoint(shape.name).await.unwrap().unwrap();
        assert_eq!(at.position, page.up_to, "`{}` is at the end of the log", shape.name);
    }
    assert_eq!(views.parked().await.unwrap(), []);
}
