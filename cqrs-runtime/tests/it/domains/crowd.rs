//! A sample domain: guests who come, eat, move and go, in rooms that are painted. It counts the folds of each of them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use cqrs_runtime::log::RawEvent;
use cqrs_runtime::prelude::*;

/// The module that an app of the crowd serves.
pub const CROWD: &str = module_path!();

/// What happens.
pub mod facts {
    use cqrs_runtime::prelude::*;

    #[derive(Id)]
    pub struct GuestId(Uuid);

    #[derive(Id)]
    pub struct RoomId(Uuid);

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct Came {
        #[tag]
        pub guest: GuestId,
        #[tag]
        pub room: RoomId,
    }

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct Ate {
        #[tag]
        pub guest: GuestId,
        pub meal: i64,
    }

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct Moved {
        #[tag]
        pub guest: GuestId,
        #[tag]
        pub room: RoomId,
    }

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct Went {
        #[tag]
        pub guest: GuestId,
    }

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct Painted {
        #[tag]
        pub room: RoomId,
        pub colour: i64,
    }
}

pub use facts::*;

/// How often each guest was folded.
static FOLDED: Mutex<BTreeMap<GuestId, usize>> = Mutex::new(BTreeMap::new());

/// Those who cannot take a meal below zero at present.
static FASTIDIOUS: Mutex<Vec<GuestId>> = Mutex::new(Vec::new());

pub fn folded(guest: GuestId) -> usize {
    FOLDED.lock().unwrap().get(&guest).copied().unwrap_or_default()
}

pub fn set_fastidious(guest: GuestId, is_fastidious: bool) {
    let mut fastidious = FASTIDIOUS.lock().unwrap();
    fastidious.retain(|other| *other != guest);
    if is_fastidious {
        fastidious.push(guest);
    }
}

fn count(guest: GuestId) {
    *FOLDED.lock().unwrap().entry(guest).or_default() += 1;
}

#[allow(clippy::struct_field_names, reason = "the key is the guest")]
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Guest {
    #[key]
    pub guest: GuestId,
    #[index]
    pub room: RoomId,
    pub meals: Vec<i64>,
    pub colours: Vec<i64>,
}

#[projection(on = [Came, Ate, Moved, Went, Painted])]
impl Guest {
    fn came(event: &Came) -> Self {
        count(event.guest);
        Self { guest: event.guest, room: event.room, meals: Vec::new(), colours: Vec::new() }
    }
    fn ate(&mut self, event: &Ate) {
        count(event.guest);
        self.meals.push(event.meal);
        let is_fastidious = FASTIDIOUS.lock().unwrap().contains(&event.guest);
        assert!(event.meal >= 0 || !is_fastidious, "this cannot be eaten");
    }
    fn moved(&mut self, event: &Moved) {
        count(event.guest);
        self.room = event.room;
    }
    fn went(self, event: &Went) -> Option<Self> {
        count(event.guest);
        None
    }
    #[by(room)]
    fn painted(&mut self, event: &Painted) {
        count(self.guest);
        self.colours.push(event.colour);
    }
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Guest>)]
pub struct Guests {}

#[query]
async fn guests(_q: Guests, guests: Views<Guest>) -> Result<Vec<Guest>, QueryError> {
    guests.scan().all().await
}

pub fn came(guest: GuestId, room: RoomId) -> RawEvent {
    RawEvent::of(&Came { guest, room }).unwrap()
}

pub fn ate(guest: GuestId, meal: i64) -> RawEvent {
    RawEvent::of(&Ate { guest, meal }).unwrap()
}

pub fn moved(guest: GuestId, room: RoomId) -> RawEvent {
    RawEvent::of(&Moved { guest, room }).unwrap()
}

pub fn went(guest: GuestId) -> RawEvent {
    RawEvent::of(&Went { guest }).unwrap()
}

pub fn painted(room: RoomId, colour: i64) -> RawEvent {
    RawEvent::of(&Painted { room, colour }).unwrap()
}
