//! A projection partitioned by key has the same rows as one without partitions. It does not matter which process runs which
//! partition, or how often the projection is repartitioned.

use std::time::Duration;

use cqrs_runtime::OperationError;
use cqrs_runtime::app::{AppBuilder, ProjectionStatus};
use cqrs_runtime::log::{MemoryLog, RawEvent};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::{MemoryViews, Parked, ViewStore};

use crate::domains::club::{happen, stored};
use crate::domains::crowd::*;
use crate::domains::tally::{Counts, LabelCard, TALLY, Tally};
use crate::folding::Chance;
use crate::torn_commits::torn_views;

const LEASE: Duration = Duration::from_millis(1_500);
const LONG: Duration = Duration::from_secs(60);

fn builder(log: &MemoryLog, parts: u32) -> AppBuilder {
    let builder = App::builder().log(log.clone()).only_modules([CROWD]).projection_batch(5).projection_lease(LEASE);
    builder.partitions::<Guest>(parts)
}

async fn split(log: &MemoryLog, views: impl ViewStore, parts: u32) -> App {
    builder(log, parts).views(views).build().await.unwrap()
}

async fn status(app: &App) -> ProjectionStatus {
    app.projections().await.unwrap().remove(0)
}

/// How many of the parts an app runs, and of how many.
async fn here(app: &App) -> (usize, usize) {
    let partitions = status(app).await.partitions;
    (partitions.iter().filter(|part| part.here).count(), partitions.len())
}

async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, looking).await.expect("it should be this");
}

/// The rows at a position, and what is parked.
async fn seen(app: &App, at: Position) -> (Vec<Guest>, Vec<Parked>) {
    let guests = app.queries().after(at).within(LONG).ask(Guests {}).await.unwrap();
    let mut parked = app.parked().await.unwrap();
    parked.sort_by(|a, b| a.key.cmp(&b.key));
    (guests, parked)
}

/// What one runner makes of it from the start.
async fn folded_anew(log: &MemoryLog, at: Position) -> (Vec<Guest>, Vec<Parked>) {
    let app = App::builder().log(log.clone()).only_modules([CROWD]).views(MemoryViews::new()).build().await.unwrap();
    seen(&app, at).await
}

struct Crowd {
    guests: Vec<GuestId>,
    rooms: Vec<RoomId>,
}

impl Crowd {
    fn new() -> Self {
        Self { guests: (0..12).map(|_| GuestId::new()).collect(), rooms: (0..3).map(|_| RoomId::new()).collect() }
    }

    /// Mostly what can be folded, and sometimes what cannot even be read.
    fn anything(&self, chance: &mut Chance) -> RawEvent {
        let (guest, room) = (chance.pick(&self.guests), chance.pick(&self.rooms));
        let number = i64::try_from(chance.below(1_000)).unwrap();
        let mut event = match chance.below(20) {
            0..7 => came(guest, room),
            7..12 => ate(guest, number),
            12..14 => moved(guest, room),
            14..16 => went(guest),
            _ => painted(room, number),
        };
        if chance.below(40) == 0 {
            event.data = "{\"cut off".into();
        }
        if chance.below(80) == 0 {
            (event.data, event.tags) = ("[]".into(), Vec::new());
        }
        event
    }
}

#[tokio::test]
async fn any_history_makes_the_same_rows_however_it_is_split_and_whoever_dies() {
    let mut chance = Chance::new();
    for round in 0..14 {
        let (log, crowd) = (MemoryLog::new(), Crowd::new());
        let torn = torn_views();
        let memory = MemoryViews::new();
        let is_torn = round % 2 == 0;
        let app = async |parts| {
            if is_torn { split(&log, torn.clone(), parts).await } else { split(&log, memory.clone(), parts).await }
        };
        let (mut apps, mut at): (Vec<App>, Position) = (Vec::new(), Position::START);
        for _ in 0..12 {
            match chance.below(5) {
                0 if apps.len() < 3 => apps.push(app(chance.pick(&[1, 2, 3, 4])).await),
                1 if !apps.is_empty() => drop(apps.swap_remove(chance.below(apps.len()))),
                2 if is_torn => torn.fail_after(i64::try_from(chance.below(30)).unwrap()),
                3 if !apps.is_empty() => {
                    let hasty = apps[0].queries().after(at).within(Duration::from_millis(200)).or_stale();
                    let _ = hasty.ask(Guests {}).await;
                }
                _ => {}
            }
            at = happen(&log, (0..chance.below(15)).map(|_| crowd.anything(&mut chance)).collect()).await.max(at);
        }
        torn.fail_after(-1);
        drop(apps);
        let last = app(chance.pick(&[1, 2, 3, 4])).await;
        assert_eq!(seen(&last, at).await, folded_anew(&log, at).await, "round {round}");
    }
}

#[tokio::test]
async fn the_number_of_parts_is_changed_without_any_event_being_folded_twice() {
    let (log, views) = (MemoryLog::new(), MemoryViews::new());
    let (stays, goes, room) = (GuestId::new(), GuestId::new(), RoomId::new());
    let others: Vec<GuestId> = (0..20).map(|_| GuestId::new()).collect();
    let mut events = vec![came(stays, room), came(goes, room), ate(goes, 1), went(goes)];
    events.extend(others.iter().map(|guest| came(*guest, room)));
    let mut at = happen(&log, events).await;
    for (meal, parts) in (1..).zip([1, 4, 3, 1, 2]) {
        let app = split(&log, views.clone(), parts).await;
        until(async || status(&app).await.partitions.len() == if parts == 1 { 0 } else { parts as usize }).await;
        for _ in 0..3 {
            at = happen(&log, vec![ate(stays, meal), painted(room, meal)]).await;
            let guests = seen(&app, at).await.0;
            assert_eq!(guests.len(), 21, "who has gone does not come back");
        }
        assert_eq!(seen(&app, at).await, (folded_now(&app).await, Vec::new()));
        app.close().await;
    }
    // Came, three meals and as many colours in each of five rounds.
    assert_eq!(folded(stays), 1 + 5 * 6);
    assert_eq!(folded(goes), 3, "and nobody else has folded it again");
    assert!(others.iter().all(|guest| folded(*guest) == 1 + 5 * 3));
    let expected = folded_anew(&log, at).await;
    assert_eq!(seen(&split(&log, views, 2).await, at).await, expected);
}

/// The rows without waiting for anything.
async fn folded_now(app: &App) -> Vec<Guest> {
    app.queries().ask(Guests {}).await.unwrap()
}

#[tokio::test]
async fn a_parked_key_waits_and_is_taken_up_in_its_part_by_any_process() {
    let (log, views) = (MemoryLog::new(), torn_views());
    let (guests, room): (Vec<GuestId>, _) = ((0..8).map(|_| GuestId::new()).collect(), RoomId::new());
    let (one, other) = (split(&log, views.clone(), 4).await, split(&log, views.clone(), 4).await);
    let mut events: Vec<RawEvent> = guests.iter().map(|guest| came(*guest, room)).collect();
    for guest in &guests {
        set_fastidious(*guest, true);
        events.extend([ate(*guest, 1), ate(*guest, -2), ate(*guest, 3), painted(room, 4)]);
    }
    let at = happen(&log, events).await;
    let (rows, parked) = seen(&one, at).await;
    assert!(rows.iter().all(|guest| guest.meals == [1]), "{rows:?}");
    assert_eq!(parked.len(), 8);
    assert!(parked.iter().all(|parked| parked.projection == "Guest"), "they bear the projection's name: {parked:?}");
    for guest in &guests {
        set_fastidious(*guest, false);
    }
    for (guest, app) in guests.iter().zip([&one, &other].into_iter().cycle()) {
        app.retry("Guest", &guest.to_string()).await.unwrap();
    }
    assert_eq!(seen(&other, at).await, folded_anew(&log, at).await, "as if nothing had been wrong");
}

#[tokio::test]
async fn a_rebuild_is_folded_by_the_parts_while_the_old_view_is_read() {
    let (log, views, crowd) = (MemoryLog::new(), MemoryViews::new(), Crowd::new());
    let (one, other) = (split(&log, views.clone(), 3).await, split(&log, views.clone(), 3).await);
    let events: Vec<RawEvent> = crowd.guests.iter().map(|guest| came(*guest, crowd.rooms[0])).collect();
    let at = happen(&log, events).await;
    let at = happen(&log, (0..300).map(|meal| ate(crowd.guests[meal % 12], 5)).collect()).await.max(at);
    let before = seen(&one, at).await;
    let beside: std::collections::BTreeSet<bool> = {
        let rebuilding = other.clone();
        let rebuild = tokio::spawn(async move { rebuilding.rebuild("Guest").await });
        let mut kinds = std::collections::BTreeSet::new();
        let part = stored(&one, "Guest@next@2/3");
        while !rebuild.is_finished() {
            assert_eq!(folded_now(&one).await, before.0, "what is read stays as it was");
            kinds.insert(views.checkpoint(part).await.unwrap().is_some());
            tokio::task::yield_now().await;
        }
        assert!(rebuild.await.unwrap().unwrap() >= at);
        kinds
    };
    assert!(beside.contains(&true), "it was built in parts");
    assert_eq!(views.checkpoint(stored(&one, "Guest@next")).await.unwrap(), None);
    assert_eq!(views.checkpoint(stored(&one, "Guest@next@2/3")).await.unwrap(), None, "and nothing is left over");
    assert_eq!(seen(&one, at).await, before);
    for guest in &crowd.guests {
        assert_eq!(folded(*guest), 2 * (1 + 25), "each event was folded once more");
    }
    let at = happen(&log, vec![ate(crowd.guests[0], 6), painted(crowd.rooms[0], 7)]).await;
    assert_eq!(seen(&one, at).await, folded_anew(&log, at).await, "and the parts go on");
    until(async || here(&one).await.0 + here(&other).await.0 == 3).await;
}

#[tokio::test]
async fn processes_share_the_parts_and_take_over_those_of_one_that_dies() {
    let (log, views, crowd) = (MemoryLog::new(), torn_views(), Crowd::new());
    let one = split(&log, views.clone(), 4).await;
    until(async || here(&one).await == (4, 4)).await;
    let other = split(&log, views.clone(), 4).await;
    until(async || here(&one).await == (2, 4) && here(&other).await == (2, 4)).await;
    let mut chance = Chance::new();
    let at = happen(&log, (0..60).map(|_| crowd.anything(&mut chance)).collect()).await;
    let expected = folded_anew(&log, at).await;
    assert_eq!(seen(&one, at).await, expected);
    assert_eq!(seen(&other, at).await, expected, "either process knows what the other has done");
    drop(one);
    until(async || here(&other).await == (4, 4)).await;
    let at = happen(&log, (0..20).map(|_| crowd.anything(&mut chance)).collect()).await.max(at);
    assert_eq!(seen(&other, at).await, folded_anew(&log, at).await);
}

#[tokio::test]
async fn who_wakes_up_after_its_part_was_taken_over_changes_nothing() {
    let (log, views, crowd) = (MemoryLog::new(), torn_views(), Crowd::new());
    let events: Vec<RawEvent> = crowd.guests.iter().map(|guest| came(*guest, crowd.rooms[0])).collect();
    let at = happen(&log, events).await;
    let holder = split(&log, views.clone(), 4).await;
    seen(&holder, at).await;
    until(async || here(&holder).await == (4, 4)).await;
    views.stall(true);
    happen(&log, crowd.guests.iter().map(|guest| ate(*guest, 1)).collect()).await;
    views.is_waited_for().await;
    // Another number, so that keys have changed from part to part when it wakes up.
    let other = split(&log, views.another(), 3).await;
    let at = happen(&log, crowd.guests.iter().map(|guest| went(*guest)).collect()).await;
    assert_eq!(seen(&other, at).await.0, []);
    assert_eq!(here(&other).await.1, 3);
    views.stall(false);
    assert!(!views.late_commit().await, "the late commit is refused");
    assert_eq!(seen(&other, at).await.0, [], "and nobody is back");
    drop(holder);
}

#[tokio::test]
async fn a_query_waits_for_the_slowest_part() {
    let (log, views, crowd) = (MemoryLog::new(), MemoryViews::new(), Crowd::new());
    let app = split(&log, views.clone(), 4).await;
    until(async || here(&app).await == (4, 4)).await;
    let part = stored(&app, "Guest@2/4");
    app.close().await;
    let slow = views.lease(&[part], "one that is slow", LONG).await.unwrap().remove(0).unwrap();
    let app = split(&log, views.clone(), 4).await;
    until(async || here(&app).await == (3, 4)).await;
    let at = happen(&log, crowd.guests.iter().map(|guest| came(*guest, crowd.rooms[0])).collect()).await;
    let hasty = app.queries().after(at).within(Duration::from_millis(300));
    let error = hasty.ask(Guests {}).await.unwrap_err();
    assert!(matches!(&error, QueryError::NotYet(lag) if lag.reached == 0), "{error}");
    until(async || status(&app).await.partitions.iter().filter(|part| part.position == at).count() == 3).await;
    assert_eq!((status(&app).await.position.get(), status(&app).await.lag_events), (0, 12), "the last of them counts");
    views.release(&[slow]).await.unwrap();
    assert_eq!(seen(&app, at).await.0.len(), 12);
}

#[tokio::test]
async fn parts_that_stand_apart_are_brought_to_one_position_before_keys_change_hands() {
    for parts in [3, 1] {
        let (log, views, crowd) = (MemoryLog::new(), torn_views(), Crowd::new());
        let app = split(&log, views.clone(), 4).await;
        until(async || here(&app).await == (4, 4)).await;
        let part = stored(&app, "Guest@2/4");
        app.close().await;
        let slow = views.lease(&[part], "one that is slow", LONG).await.unwrap().remove(0).unwrap();
        let app = split(&log, views.clone(), 4).await;
        until(async || here(&app).await == (3, 4)).await;
        let mut events: Vec<RawEvent> = crowd.guests.iter().map(|guest| came(*guest, crowd.rooms[0])).collect();
        events.extend(crowd.guests.iter().map(|guest| ate(*guest, 1)));
        events.push(painted(crowd.rooms[0], 2));
        events.extend(crowd.guests[6..].iter().map(|guest| went(*guest)));
        let at = happen(&log, events).await;
        until(async || status(&app).await.partitions.iter().filter(|part| part.position == at).count() == 3).await;
        app.close().await;
        views.release(&[slow]).await.unwrap();
        let app = split(&log, views.clone(), parts).await;
        assert_eq!(seen(&app, at).await.0.len(), 6, "what the slow one lacked is there");
        until(async || here(&app).await.1 == if parts == 1 { 0 } else { 3 }).await;
        let at = happen(&log, crowd.guests.iter().map(|guest| came(*guest, crowd.rooms[1])).collect()).await;
        let after = seen(&app, at).await;
        let times: Vec<usize> = crowd.guests.iter().map(|guest| folded(*guest)).collect();
        // Those who are there are parked when they come again.
        assert_eq!(times, [[3; 6], [5; 6]].concat(), "each event once");
        assert_eq!(after, folded_anew(&log, at).await);
    }
}

/// The view as a later program has it: of another shape.
mod later {
    use cqrs_runtime::prelude::*;

    use crate::domains::crowd::{Ate, Came, GuestId, Moved, Painted, RoomId, Went};

    #[allow(clippy::struct_field_names, reason = "the key is the guest")]
    #[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct Guest {
        #[key]
        pub guest: GuestId,
        #[index]
        pub room: RoomId,
        #[index]
        pub eaten: i64,
    }

    #[projection(on = [Came, Ate, Moved, Went, Painted])]
    impl Guest {
        fn came(event: &Came) -> Self {
            Self { guest: event.guest, room: event.room, eaten: 0 }
        }
        fn ate(&mut self, event: &Ate) {
            self.eaten += event.meal;
        }
        fn moved(&mut self, event: &Moved) {
            self.room = event.room;
        }
        #[by(room)]
        fn painted(&mut self, _: &Painted) {}
        fn went(self, _: &Went) -> Option<Self> {
            None
        }
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = Vec<Guest>)]
    pub struct Hungry {}

    #[query]
    async fn hungry(_q: Hungry, guests: Views<Guest>) -> Result<Vec<Guest>, QueryError> {
        guests.find(Guest::EATEN.lt(5)).all().await
    }
}

#[tokio::test]
async fn a_view_of_another_shape_is_built_in_parts_beside_the_old_one() {
    for (before, after) in [(1, 4), (4, 4), (4, 3), (4, 1)] {
        let (log, views, crowd) = (MemoryLog::new(), torn_views(), Crowd::new());
        let old = split(&log, views.clone(), before).await;
        let mut events: Vec<RawEvent> = crowd.guests.iter().map(|guest| came(*guest, crowd.rooms[0])).collect();
        events.extend(crowd.guests.iter().zip(0..).map(|(guest, meal)| ate(*guest, meal)));
        let at = happen(&log, events).await;
        assert_eq!(seen(&old, at).await.0.len(), 12);
        until(async || status(&old).await.partitions.len() == if before == 1 { 0 } else { before as usize }).await;
        let old_rows = old.stored_as("Guest").unwrap();
        old.close().await;
        views.refuse(Some("Guest"));
        let modules = [format!("{}::later", module_path!()), format!("{CROWD}::facts")];
        let builder = App::builder().log(log.clone()).only_modules(modules).projection_batch(5).projection_lease(LEASE);
        let new = builder.partitions::<later::Guest>(after).views(views.clone()).build().await.unwrap();
        let rows = stored(&new, "Guest");
        assert_ne!(rows, old_rows.projection);
        until(async || views.checkpoint(rows).await.unwrap().is_some()).await;
        let error = new.queries().ask(later::Hungry {}).await.unwrap_err();
        assert!(matches!(&error, QueryError::NotBuilt(view) if view.view == "Guest"), "never half of it: {error}");
        let stored = views.rows(&old_rows.shape, &[crowd.guests[0].to_string()]).await.unwrap();
        assert_eq!(stored.len(), 1, "what programs of the old shape read is there");
        let at = happen(&log, vec![ate(crowd.guests[0], 100), went(crowd.guests[1])]).await.max(at);
        views.refuse(None);
        let hungry = new.queries().after(at).within(LONG).ask(later::Hungry {}).await.unwrap();
        let mut eaten: Vec<i64> = hungry.iter().map(|guest| guest.eaten).collect();
        eaten.sort_unstable();
        assert_eq!(eaten, [2, 3, 4], "from {before} to {after}: no event is missed, and none is folded twice");
        until(async || here(&new).await == if after == 1 { (0, 0) } else { (after as usize, after as usize) }).await;
    }
}

#[tokio::test]
async fn while_others_run_it_the_number_stays_as_they_have_it() {
    let (log, views, crowd) = (MemoryLog::new(), MemoryViews::new(), Crowd::new());
    let one = split(&log, views.clone(), 4).await;
    until(async || here(&one).await == (4, 4)).await;
    for parts in [3, 1] {
        let other = split(&log, views.clone(), parts).await;
        let reason = format!("other processes run it with 4 partitions, and this one is configured for {parts}");
        until(async || status(&other).await.last_error.is_some_and(|error| error.contains(&reason))).await;
        let at = happen(&log, vec![came(GuestId::new(), crowd.rooms[0])]).await;
        seen(&other, at).await;
        assert_eq!((here(&one).await, here(&other).await), ((4, 4), (0, 4)), "nothing moves");
        let error = other.retry("Guest", "nobody").await.unwrap_err();
        assert!(
            matches!(&error, OperationError::Elsewhere { reason, .. } if reason.contains("with 4 partitions")),
            "{error}"
        );
        other.close().await;
    }
    let other = split(&log, views.clone(), 3).await;
    one.close().await;
    until(async || here(&other).await == (3, 3)).await;
}

#[tokio::test]
async fn a_rebuild_waits_a_while_for_those_who_have_it_in_other_parts() {
    let (log, views, crowd) = (MemoryLog::new(), MemoryViews::new(), Crowd::new());
    let one = split(&log, views.clone(), 4).await;
    until(async || here(&one).await == (4, 4)).await;
    let at = happen(&log, vec![came(crowd.guests[0], crowd.rooms[0])]).await;
    let other = split(&log, views.clone(), 3).await;
    let rebuild = {
        let app = other.clone();
        tokio::spawn(async move { app.rebuild("Guest").await })
    };
    for _ in 0..10 {
        tokio::task::yield_now().await;
        // Answered in turn: the other process has met by now what it cannot change.
        other.resume("Guest").await.unwrap();
    }
    one.close().await;
    rebuild.await.unwrap().expect("it is not refused for what ends in time");
    assert_eq!(seen(&other, at).await.0.len(), 1);
    until(async || here(&other).await == (3, 3)).await;
}

#[tokio::test]
async fn what_cannot_be_split_is_refused() {
    let refusal = async |builder: AppBuilder| builder.build().await.expect_err("a refusal").to_string();
    let views = || App::builder().log(MemoryLog::new()).only_modules([TALLY]).views(MemoryViews::new());
    for (text, says) in [
        (
            refusal(views().partitions::<Tally>(2)).await,
            "`Tally` cannot have 2 partitions: it looks up view `LabelCard`",
        ),
        (refusal(views().partitions::<LabelCard>(2)).await, "cannot have 2 partitions: projection `Tally` looks it up"),
        (refusal(views().partitions::<Counts>(0)).await, "cannot have 0 partitions: a projection has 1 to 256"),
        (refusal(views().partitions::<Counts>(257)).await, "has 1 to 256 partitions"),
        (refusal(views().partitions::<Guest>(2)).await, "`.partitions` names view `Guest`, but no projection makes it"),
        (
            refusal(App::builder().log(MemoryLog::new()).only_modules([TALLY]).partitions::<Counts>(2)).await,
            "it is folded with each command (level 1)",
        ),
    ] {
        assert!(text.contains("[CQRS803]") && text.contains(says), "{text}");
        assert_eq!(text.matches("[CQRS").count(), 1, "{text}");
    }
}
