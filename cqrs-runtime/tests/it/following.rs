//! Level 2: a separate read database keeps up with the log, through every failure.

use std::time::Duration;

use cqrs_runtime::log::{MemoryLog, RawEvent};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::{MemoryViews, ViewStore};

use crate::domains::club::*;
use crate::folding::{Chance, Ledger, People};
use crate::torn_commits::torn_views;

/// An app of the club whose views are in this store.
pub async fn follower(log: &MemoryLog, views: impl ViewStore, batch: usize) -> App {
    let builder = App::builder().log(log.clone()).views(views).only_modules([CLUB]).projection_batch(batch);
    let builder = builder.projection_lease(Duration::from_millis(150));
    builder.build().await.unwrap()
}

/// Events of which some cannot be folded, and some not even be read.
fn anything(chance: &mut Chance, people: &People) -> RawEvent {
    let mut raw = match people.anything(chance) {
        Happened::Scored(event) if chance.below(4) == 0 => {
            RawEvent::of(&MemberScored { points: i64::MAX, ..event }).unwrap()
        }
        event => event.raw(),
    };
    if chance.below(12) == 0 {
        raw.data = "{\"cut off".into();
    }
    raw
}

#[tokio::test]
async fn any_history_makes_the_same_views_at_level_2_however_it_is_cut() {
    let mut chance = Chance::new();
    for _ in 0..40 {
        let people = People::new();
        let events: Vec<_> = (0..60).map(|_| anything(&mut chance, &people)).collect();
        let level_1 = MemoryLog::new();
        let last = happen(&level_1, events.clone()).await;
        let expected = standing(&club(&level_1).await, last).await;

        let (log, mut rest, batch) = (MemoryLog::new(), &events[..], chance.pick(&[1, 2, 3, 7, 100]));
        let torn = chance.below(2) == 0;
        let app = if torn {
            follower(&log, torn_views(), batch).await
        } else {
            follower(&log, MemoryViews::new(), batch).await
        };
        while !rest.is_empty() {
            let (some, later) = rest.split_at((1 + chance.below(20)).min(rest.len()));
            let at = happen(&log, some.to_vec()).await;
            if chance.below(2) == 0 {
                standing(&app, at).await;
            }
            rest = later;
        }
        assert_eq!(standing(&app, last).await, expected, "in batches of {batch}, without transactions: {torn}");
    }
}

/// Events that the folds take, but for a few.
fn mostly_sound(chance: &mut Chance, people: &People, count: usize) -> Vec<RawEvent> {
    let (mut ledger, mut events) = (Ledger::default(), Vec::new());
    while events.len() < count {
        let event = people.anything(chance);
        if chance.below(40) == 0 {
            events.push(RawEvent { data: "{\"cut off".into(), ..event.raw() });
        } else if ledger.allows(&event) {
            ledger.apply(&event);
            events.push(event.raw());
        }
    }
    events
}

#[tokio::test]
async fn a_store_that_dies_between_any_two_writes_changes_nothing() {
    let mut chance = Chance::new();
    for _ in 0..6 {
        let people = People::new();
        let events = mostly_sound(&mut chance, &people, 40);
        let log = MemoryLog::new();
        let last = happen(&log, events).await;
        let expected = standing(&club(&log).await, last).await;
        for writes in 0.. {
            let torn = torn_views();
            torn.fail_after(writes);
            // Other cuts before the failure than after it: what was written is not what comes again.
            let app = follower(&log, torn.clone(), 1 + chance.below(12)).await;
            let _ = app.queries().after(last).within(Duration::from_millis(40)).ask(Members {}).await;
            drop(app);
            let is_to_fail = torn.is_to_fail();
            torn.fail_after(-1);
            let app = follower(&log, torn.clone(), 1 + chance.below(12)).await;
            assert_eq!(standing(&app, last).await, expected, "the write after {writes} failed");
            if is_to_fail {
                break;
            }
        }
    }
}
