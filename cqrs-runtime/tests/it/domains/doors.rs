//! A sample domain: doors that open and close. One width panics in the view, for another the closing cannot be noted.

use cqrs_runtime::prelude::*;

/// The module that an app of the doors serves.
pub const DOORS: &str = module_path!();

/// A width that the view's fold panics at, and one whose closing cannot be noted.
pub const UNSHOWN: u32 = 13;
pub const UNNOTED: u32 = 7;

#[derive(Id)]
pub struct DoorId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct DoorOpened {
    #[tag]
    pub door: DoorId,
    pub width: u32,
}

#[derive(Event, Serialize, Deserialize)]
pub struct DoorClosed {
    #[tag]
    pub door: DoorId,
}

#[derive(Event, Serialize, Deserialize)]
pub struct ClosingNoted {
    #[tag]
    pub door: DoorId,
}

pub struct Door {
    width: u32,
    closed: bool,
}

#[aggregate(id = DoorId, on = [DoorOpened, DoorClosed, ClosingNoted])]
impl Door {
    fn opened(e: &DoorOpened) -> Self {
        Self { width: e.width, closed: false }
    }
    fn closed(&mut self, _: &DoorClosed) {
        self.closed = true;
    }
    fn noted(&mut self, _: &ClosingNoted) {}
}

#[derive(Debug)]
pub struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not this door")
    }
}

impl std::error::Error for Refused {}

#[derive(Command, Serialize, Deserialize)]
pub struct OpenDoor {
    pub door: DoorId,
    pub width: u32,
}

#[command]
fn open(cmd: OpenDoor, _door: Absent<Door>) -> Result<DoorOpened, std::convert::Infallible> {
    Ok(DoorOpened { door: cmd.door, width: cmd.width })
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Refused)]
pub struct CloseDoor {
    pub door: DoorId,
}

#[command]
fn close(cmd: CloseDoor, door: &Door) -> Result<DoorClosed, Refused> {
    if door.closed { Err(Refused) } else { Ok(DoorClosed { door: cmd.door }) }
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Refused)]
pub struct NoteClosing {
    pub door: DoorId,
}

#[command]
fn note(cmd: NoteClosing, door: &Door) -> Result<ClosingNoted, Refused> {
    if door.width == UNNOTED { Err(Refused) } else { Ok(ClosingNoted { door: cmd.door }) }
}

#[policy(on = [DoorClosed])]
fn noting(event: &DoorClosed) -> NoteClosing {
    NoteClosing { door: event.door }
}

#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct DoorCard {
    #[key]
    pub door: DoorId,
    pub width: u32,
}

#[projection(on = [DoorOpened, DoorClosed])]
impl DoorCard {
    fn opened(event: &DoorOpened) -> Self {
        assert!(event.width != UNSHOWN, "it cannot be shown");
        Self { door: event.door, width: event.width }
    }
    fn closed(&mut self, _: &DoorClosed) {}
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<DoorCard>)]
pub struct AllDoors {}

#[query]
async fn all_doors(_q: AllDoors, doors: Views<DoorCard>) -> Result<Vec<DoorCard>, QueryError> {
    doors.scan().all().await
}
