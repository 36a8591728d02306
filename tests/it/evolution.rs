//! Every stored version of an event is read as the current one, on every read path. An event that no version can read stops
//! only the keys and aggregates that it is about.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use cqrs_runtime::EventLog;
use cqrs_runtime::log::{EventQuery, MemoryLog, QueryItem, RawEvent, append_raw};
use cqrs_runtime::prelude::*;
use cqrs_runtime::testing::given;
use tempfile::TempDir;

use rooms::{Audit, AuditSlowly, Audited, RoomBooked, RoomBookedV1, RoomBookedV2, RoomCard, RoomId, RoomLeft, Stays};
use tables::StaysInTable;

pub mod rooms {
    use cqrs_runtime::prelude::*;

    #[derive(Id)]
    pub struct RoomId(Uuid);

    /// As it was first.
    #[derive(Event, Serialize, Deserialize, Clone)]
    #[cqrs(name = "RoomBooked")]
    pub struct RoomBookedV1 {
        #[tag]
        pub room: RoomId,
        pub guest: String,
    }

    /// As it was then: how long was left to the desk before, and is one night.
    #[derive(Event, Serialize, Deserialize, Clone)]
    #[cqrs(name = "RoomBooked", version = 2, from = RoomBookedV1)]
    pub struct RoomBookedV2 {
        #[tag]
        pub room: RoomId,
        pub guest: String,
        pub nights: u32,
    }

    impl From<RoomBookedV1> for RoomBookedV2 {
        fn from(RoomBookedV1 { room, guest }: RoomBookedV1) -> Self {
            Self { room, guest, nights: 1 }
        }
    }

    /// As it is today.
    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    #[cqrs(version = 3, from = RoomBookedV2)]
    pub struct RoomBooked {
        #[tag]
        pub room: RoomId,
        pub guests: Vec<String>,
        pub hours: u32,
    }

    impl From<RoomBookedV2> for RoomBooked {
        fn from(RoomBookedV2 { room, guest, nights }: RoomBookedV2) -> Self {
            Self { room, guests: guest.split(" and ").map(str::to_owned).collect(), hours: nights * 24 }
        }
    }

    #[derive(Event, Serialize, Deserialize, Clone)]
    pub struct RoomLeft {
        #[tag]
        pub room: RoomId,
    }

    /// What the write side knows, stated as an event, so that it can be seen.
    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct Audited {
        #[tag]
        pub room: RoomId,
        pub inside: Vec<String>,
        pub hours: u32,
    }

    pub struct Room {
        inside: Vec<String>,
        hours: u32,
    }

    #[aggregate(id = RoomId, on = [RoomBooked, RoomLeft], ignore = [Audited])]
    impl Room {
        fn booked(this: Option<Self>, event: &RoomBooked) -> Self {
            let mut room = this.unwrap_or(Self { inside: Vec::new(), hours: 0 });
            room.inside.extend(event.guests.iter().cloned());
            room.hours += event.hours;
            room
        }
        fn left(this: Option<Self>, _: &RoomLeft) -> Self {
            Self { inside: Vec::new(), hours: this.map_or(0, |room| room.hours) }
        }
    }

    #[derive(Command, Serialize, Deserialize)]
    pub struct Audit {
        pub room: RoomId,
    }

    #[command]
    fn audit(cmd: Audit, room: &Room) -> Result<Audited, std::convert::Infallible> {
        Ok(Audited { room: cmd.room, inside: room.inside.clone(), hours: room.hours })
    }

    #[derive(Command, Serialize, Deserialize)]
    pub struct AuditSlowly {
        pub room: RoomId,
    }

    #[command]
    async fn audit_slowly(cmd: AuditSlowly, room: &Room) -> Result<Audited, std::convert::Infallible> {
        Ok(Audited { room: cmd.room, inside: room.inside.clone(), hours: room.hours })
    }

    #[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct RoomCard {
        #[key]
        pub room: RoomId,
        pub inside: Vec<String>,
        pub hours: u32,
        pub since: Position,
    }

    #[projection(on = [RoomBooked, RoomLeft])]
    impl RoomCard {
        fn booked(this: Option<Self>, event: &Recorded<RoomBooked>) -> Self {
            let empty = Self { room: event.room, inside: Vec::new(), hours: 0, since: event.position() };
            let mut card = this.unwrap_or(empty);
            card.inside.extend(event.guests.iter().cloned());
            card.hours += event.hours;
            card.since = event.position();
            card
        }
        fn left(this: Option<Self>, event: &Recorded<RoomLeft>) -> Self {
            let hours = this.map_or(0, |card| card.hours);
            Self { room: event.room, inside: Vec::new(), hours, since: event.position() }
        }
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = Option<RoomCard>)]
    pub struct Stays {
        pub room: RoomId,
    }

    #[query]
    async fn stays(q: Stays, cards: Views<RoomCard>) -> Result<Option<RoomCard>, QueryError> {
        cards.get(q.room).await
    }
}

/// What only a database with tables can be asked to do.
pub mod tables {
    use super::rooms::{RoomBooked, RoomId};
    use cqrs_runtime::prelude::*;
    use cqrs_sqlite::Sqlite;
    use cqrs_sqlite::rusqlite::Error;

    pub struct StayTable;

    #[projection(on = [RoomBooked])]
    impl StayTable {
        async fn booked(tx: &mut Tx<Sqlite>, event: &RoomBooked) -> Result<(), Error> {
            let row = (event.room.to_string(), event.guests.join(","), event.hours);
            tx.execute("INSERT INTO stays (room, guests, hours) VALUES (?1, ?2, ?3)", row)?;
            Ok(())
        }
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = Vec<(String, u32)>)]
    pub struct StaysInTable {
        pub room: RoomId,
    }

    #[query]
    async fn stays_in_table(q: StaysInTable, reader: Reader<Sqlite>) -> Result<Vec<(String, u32)>, QueryError> {
        let sql = "SELECT guests, hours FROM stays WHERE room = ?1 ORDER BY rowid";
        let mut statement = reader.prepare(sql).map_err(QueryError::failed)?;
        let rows = statement.query_map([q.room.to_string()], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.and_then(Iterator::collect).map_err(QueryError::failed)
    }
}

/// A log of each kind; the folder lives as long as the file in it.
async fn logs() -> Vec<(Arc<dyn EventLog>, Option<TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = crate::logs::open(&folder).await;
    let tables = cqrs_sqlite::rusqlite::Connection::open(folder.path().join("log.db")).unwrap();
    tables.execute_batch("CREATE TABLE stays (room TEXT, guests TEXT, hours INTEGER)").unwrap();
    vec![(Arc::new(MemoryLog::new()), None), (Arc::new(sqlite), Some(folder))]
}

/// The hotel on this log, with its table where there can be one.
async fn hotel(log: &Arc<dyn EventLog>) -> App {
    let mut modules = vec![format!("{}::rooms", module_path!())];
    if log.database().is_some() {
        modules.push(format!("{}::tables", module_path!()));
    }
    App::builder().log(Arc::clone(log)).only_modules(modules).build().await.unwrap()
}

/// What every read path says of a room.
#[derive(Debug, PartialEq)]
struct Known {
    by_decision: Audited,
    by_workflow: Audited,
    by_view: Option<RoomCard>,
    by_table: Vec<(String, u32)>,
    decoded: Vec<RoomBooked>,
}

async fn known(app: &App, room: RoomId) -> Known {
    let last = |receipt: Receipt<()>| async move {
        let page = app.log().read(&EventQuery::named(&["Audited"]), Position::START, usize::MAX).await.unwrap();
        let event = page.events.into_iter().find(|event| event.position() == receipt.position()).unwrap();
        event.decode::<Audited>().unwrap().event().clone()
    };
    // Before the commands: they have positions of their own.
    let at = app.log().head().await.unwrap();
    let by_view = app.queries().after(at).ask(Stays { room }).await.unwrap();
    let by_table = match app.log().database() {
        Some(_) => app.queries().after(at).ask(StaysInTable { room }).await.unwrap(),
        None => Vec::new(),
    };
    let by_workflow = last(app.commands().execute(AuditSlowly { room }).await.unwrap()).await;
    let by_decision = last(app.commands().execute(Audit { room }).await.unwrap()).await;
    let query = EventQuery { items: vec![QueryItem { names: vec!["RoomBooked".into()], tags: vec![room.tag()] }] };
    let page = app.log().read(&query, Position::START, usize::MAX).await.unwrap();
    let decoded = page.events.iter().map(|event| event.decode::<RoomBooked>().unwrap().event().clone()).collect();
    Known { by_decision, by_workflow, by_view, by_table, decoded }
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// A history as programs of three releases have written it, and as today's would have.
fn history(random: &mut Random, rooms: &[RoomId]) -> Vec<(RawEvent, RawEvent)> {
    let names = ["Ada", "Grace and Ada", "", "Jean \"J\" Bartik", "Katherine and Mary and Dorothy"];
    let raw = |old: RawEvent, new: &RoomBooked| (old, RawEvent::of(new).unwrap());
    let mut event = |room: RoomId| {
        let guest = names[usize::try_from(random.below(5)).unwrap()].to_owned();
        let nights = u32::try_from(random.below(30)).unwrap();
        match random.below(4) {
            0 => {
                let old = RoomBookedV1 { room, guest };
                raw(RawEvent::of(&old).unwrap(), &RoomBookedV2::from(old).into())
            }
            1 => {
                let old = RoomBookedV2 { room, guest, nights };
                raw(RawEvent::of(&old).unwrap(), &old.into())
            }
            2 => {
                let new = RoomBooked { room, guests: vec![guest], hours: nights * 24 + 1 };
                raw(RawEvent::of(&new).unwrap(), &new)
            }
            _ => {
                let left = RawEvent::of(&RoomLeft { room }).unwrap();
                (left.clone(), left)
            }
        }
    };
    // Nothing is asked of a room that nothing has happened to.
    let first: Vec<_> = rooms.iter().map(|&room| event(room)).collect();
    let rest = (0..20).map(|n| event(rooms[n % rooms.len()]));
    first.into_iter().chain(rest).collect()
}

#[tokio::test]
async fn histories_of_old_versions_are_read_as_todays() {
    let given = std::env::var("CQRS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("CQRS_SEED={seed}");
    let mut random = Random(seed);
    for _ in 0..10 {
        let rooms = [RoomId::new(), RoomId::new()];
        let history = history(&mut random, &rooms);
        // Some of it is there when the program starts, the rest comes while it runs.
        let (before, after) = history.split_at(usize::try_from(random.below(23)).unwrap());
        let mut all = Vec::new();
        for old in [true, false] {
            let side = |events: &[(RawEvent, RawEvent)]| -> Vec<RawEvent> {
                events.iter().map(|(then, today)| if old { then.clone() } else { today.clone() }).collect()
            };
            for (log, _folder) in logs().await {
                append_raw(&*log, side(before), Meta::new()).await.unwrap();
                let app = hotel(&log).await;
                append_raw(&*log, side(after), Meta::new()).await.unwrap();
                let mut known = [known(&app, rooms[0]).await, known(&app, rooms[1]).await];
                assert_eq!(app.parked().await.unwrap(), []);
                if log.database().is_none() {
                    for known in &mut known {
                        let row = |event: &RoomBooked| (event.guests.join(","), event.hours);
                        known.by_table = known.decoded.iter().map(row).collect();
                    }
                }
                all.push(known);
            }
        }
        for known in &all {
            assert_eq!(known, &all[3], "old ones in memory, on SQLite, today's in memory, on SQLite");
            for room in known {
                let view = room.by_view.as_ref().unwrap();
                let decided_on = (&room.by_decision.inside, room.by_decision.hours);
                assert_eq!((decided_on, &room.by_workflow), ((&view.inside, view.hours), &room.by_decision));
            }
        }
    }
}

#[test]
fn a_scenario_may_begin_with_old_events() {
    let room = RoomId::new();
    let history = || {
        let first = RoomBookedV1 { room, guest: "Ada and Grace".into() };
        given((first, RoomBookedV2 { room, guest: "Mary".into(), nights: 2 }))
    };
    let inside = vec!["Ada".to_owned(), "Grace".into(), "Mary".into()];
    history().when(Audit { room }).then(Audited { room, inside: inside.clone(), hours: 72 });
    history().when(AuditSlowly { room }).then(Audited { room, inside: inside.clone(), hours: 72 });
    let card = RoomCard { room, inside, hours: 72, since: Position::new(2) };
    assert_eq!(history().view::<RoomCard>(room), Some(card));
}

#[test]
fn each_version_reads_what_came_before_it_and_nothing_later() {
    let room = RoomId::new();
    let data = |event: &RawEvent| event.data.clone();
    let first = RawEvent::of(&RoomBookedV1 { room, guest: "Ada".into() }).unwrap();
    let second = RawEvent::of(&RoomBookedV2 { room, guest: "Ada".into(), nights: 2 }).unwrap();
    assert_eq!((first.version, second.version), (1, 2));
    assert_eq!(RoomBookedV2::decode(1, &data(&first)).unwrap().nights, 1);
    assert_eq!(RoomBooked::decode(1, &data(&first)).unwrap().hours, 24);
    assert_eq!(RoomBooked::decode(2, &data(&second)).unwrap().hours, 48);
    let message = |version| RoomBookedV2::decode(version, &data(&second)).map(drop).unwrap_err().to_string();
    assert_eq!(
        message(3),
        "stored event `RoomBooked` has version 3, but the newest version that this program knows is 2: a newer program wrote it; \
         update this one to read it"
    );
    assert!(message(0).ends_with("does not reach back that far"), "{}", message(0));
    let malformed = RoomBooked::decode(1, "{\"room\": 7}").map(drop).unwrap_err().to_string();
    assert!(
        malformed.starts_with("stored event `RoomBooked` version 1 does not match its type at `room`: "),
        "{malformed}"
    );
}

#[tokio::test]
async fn an_event_of_a_newer_program_stops_what_it_is_about_and_nothing_else() {
    for (log, _folder) in logs().await {
        let (ahead, well) = (RoomId::new(), RoomId::new());
        let booked = |room| RawEvent::of(&RoomBookedV1 { room, guest: "Ada".into() }).unwrap();
        let newer = RawEvent { version: 4, data: "{\"suite\": true}".into(), ..booked(ahead) };
        append_raw(&*log, vec![booked(ahead), newer, booked(well)], Meta::new()).await.unwrap();
        let app = hotel(&log).await;

        let decision = app.commands().execute(Audit { room: ahead }).await.map(drop).unwrap_err();
        let workflow = app.commands().execute(AuditSlowly { room: ahead }).await.map(drop).unwrap_err();
        for error in [decision, workflow] {
            assert!(matches!(error, CommandError::Corrupt(_)), "{error}");
            let text = error.to_string();
            for part in
                [&*format!("Room `{ahead}`"), "`RoomBooked` at position 2", "version 4", "a newer program wrote it"]
            {
                assert!(text.contains(part), "{part} is not in: {text}");
            }
        }
        app.commands().execute(Audit { room: well }).await.unwrap();

        let card = app.queries().ask(Stays { room: ahead }).await.unwrap().unwrap();
        assert_eq!((card.hours, card.since), (24, Position::new(1)), "as it was before");
        assert!(app.queries().ask(Stays { room: well }).await.unwrap().is_some());
        let parked = app.parked().await.unwrap();
        let of_card = parked.iter().find(|parked| parked.projection == "RoomCard").unwrap();
        assert_eq!((&of_card.key, of_card.position), (&ahead.to_string(), Position::new(2)));
        assert!(of_card.error.contains("a newer program wrote it"), "{}", of_card.error);
        if log.database().is_some() {
            let of_table = parked.iter().find(|parked| parked.projection == "StayTable").unwrap();
            assert!(of_table.error.contains("version 4"), "{}", of_table.error);
            let rows = app.queries().ask(StaysInTable { room: ahead }).await.unwrap();
            assert_eq!(rows, [("Ada".to_owned(), 24)], "what came before it is there");
        }
    }
}
