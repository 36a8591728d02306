//! The output of `cqrs_runtime::testing`, for tests that pass and tests that fail.

use std::sync::atomic::{AtomicU32, Ordering};

use cqrs_runtime::prelude::*;
use cqrs_runtime::testing::{given, nothing};

use crate::panic_of;

#[derive(Id)]
pub struct DoorId(Uuid);

#[derive(Event, Serialize, Deserialize, Debug, Clone)]
pub struct DoorOpened {
    #[tag]
    pub door: DoorId,
}

#[derive(Event, Serialize, Deserialize, Debug, Clone)]
pub struct DoorClosed {
    #[tag]
    pub door: DoorId,
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum DoorError {
    #[error("it is open already")]
    Open,
    #[error("it is closed already")]
    Closed,
}

#[derive(Command, Serialize, Deserialize, Clone, Copy)]
#[cqrs(error = DoorError, returns = DoorId)]
pub struct OpenDoor {
    pub door: DoorId,
}

#[derive(Command, Serialize, Deserialize, Clone, Copy)]
#[cqrs(error = DoorError)]
pub struct CloseDoor {
    pub door: DoorId,
}

pub struct Door {
    open: bool,
}

#[aggregate(id = DoorId, on = [DoorOpened, DoorClosed])]
impl Door {
    fn opened(_: Option<Self>, _: &DoorOpened) -> Self {
        Door { open: true }
    }
    fn closed(&mut self, _: &DoorClosed) {
        self.open = false;
    }
}

#[command]
fn open_door(cmd: OpenDoor, door: Option<&Door>) -> Result<Decision<DoorOpened, DoorId>, DoorError> {
    if door.is_some_and(|door| door.open) {
        return Err(DoorError::Open);
    }
    Ok(emit(DoorOpened { door: cmd.door }).returning(cmd.door))
}

#[command]
fn close_door(cmd: CloseDoor, door: &Door) -> Result<DoorClosed, DoorError> {
    if door.open { Ok(DoorClosed { door: cmd.door }) } else { Err(DoorError::Closed) }
}

/// A view that forgets what is not written down, however the events come in batches.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Forgetful {
    #[key]
    pub door: DoorId,
    pub opened: u32,
    #[serde(serialize_with = "as_nothing")]
    pub seen: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn as_nothing<S: serde::Serializer>(_: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u32(0)
}

#[projection(on = [DoorOpened])]
impl Forgetful {
    fn opened(this: Option<Self>, event: &DoorOpened) -> Self {
        let seen = this.map_or(0, |this| this.seen) + 1;
        Self { door: event.door, opened: seen, seen }
    }
}

#[test]
fn what_holds_is_accepted() {
    let door = DoorId::new();
    nothing().when(OpenDoor { door }).then(DoorOpened { door }).returned(door);
    given(DoorOpened { door }).when(OpenDoor { door }).rejected(DoorError::Open);
    given(DoorOpened { door })
        .and(DoorClosed { door })
        .when(CloseDoor { door })
        .rejected_with(|error| *error == DoorError::Closed);
    given(DoorOpened { door: DoorId::new() }).when(CloseDoor { door }).not_found();
}

#[test]
fn what_does_not_hold_is_told_with_the_whole_story() {
    let (door, other) = (DoorId::new(), DoorId::new());
    let others = panic_of(|| _ = given(DoorOpened { door }).when(CloseDoor { door }).then(DoorClosed { door: other }));
    for part in ["DoorOpened", "CloseDoor", "DoorClosed", &door.to_string(), &other.to_string()] {
        assert!(others.contains(part), "`{part}` is missing in: {others}");
    }
    let refused = panic_of(|| _ = nothing().when(CloseDoor { door }).then(DoorClosed { door }));
    assert!(refused.contains("NotFound: Door"), "{refused}");
    let accepted = panic_of(|| _ = nothing().when(OpenDoor { door }).rejected(DoorError::Open));
    assert!(accepted.contains("accepted") && accepted.contains("Open"), "{accepted}");
    let wrong = panic_of(|| _ = given(DoorOpened { door }).when(OpenDoor { door }).rejected(DoorError::Closed));
    assert!(wrong.contains("it is open already") && wrong.contains("Closed"), "{wrong}");
    panic_of(|| _ = nothing().when(OpenDoor { door }).then_nothing());
    panic_of(|| _ = nothing().when(OpenDoor { door }).returned(other));
    panic_of(|| _ = nothing().when(OpenDoor { door }).not_found());
}

/// A view whose fold is not pure.
#[derive(View, Serialize, Deserialize, Debug)]
pub struct Impure {
    #[key]
    door: DoorId,
    calls: u32,
}

#[projection(on = [DoorOpened])]
impl Impure {
    fn opened(_: Option<Self>, event: &DoorOpened) -> Self {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        Self { door: event.door, calls: CALLS.fetch_add(1, Ordering::Relaxed) }
    }
}

#[test]
fn what_a_row_does_not_keep_is_gone_at_the_next_event() {
    let door = DoorId::new();
    let once = given(DoorOpened { door });
    assert_eq!(once.view::<Forgetful>(door).map(|view| view.opened), Some(1));
    let twice = given([DoorOpened { door }, DoorOpened { door }]);
    assert_eq!(twice.view::<Forgetful>(door).map(|view| view.opened), Some(1), "in one batch and in two");
}

#[test]
fn a_view_whose_fold_is_not_pure_is_caught() {
    let caught = panic_of(|| _ = given(DoorOpened { door: DoorId::new() }).views::<Impure>());
    assert!(caught.contains("Impure") && caught.contains("batch"), "{caught}");
}

#[tokio::test]
async fn a_scenario_runs_inside_a_runtime_too() {
    let door = DoorId::new();
    given(DoorOpened { door }).when(CloseDoor { door }).then(DoorClosed { door });
}
