//! Given, when, then: tests of decisions and views on the production path, without a database.
//!
//! A scenario runs on a log in memory, through the same sequencer and the same projection engine as in production. It needs
//! no runtime: tests are plain functions, and inside a runtime they work as well. Nothing else that is linked matters, so
//! that one test binary may hold several domains.
//!
//! An aggregate that [snapshots](crate::snapshot) are kept of is written and read back before each decision: what `serde` skips is
//! missed here, and not years later.
//!
//! # Commands
//!
//! ```
//! use cqrs_runtime::prelude::*;
//! use cqrs_runtime::testing::{given, nothing};
//! # use std::fmt;
//!
//! #[derive(Id)]
//! pub struct DoorId(Uuid);
//!
//! #[derive(Event, Serialize, Deserialize)]
//! pub struct DoorOpened { #[tag] door: DoorId }
//!
//! #[derive(Debug, PartialEq)]
//! pub struct OpenAlready;
//! # impl fmt::Display for OpenAlready { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("open already") } }
//! # impl std::error::Error for OpenAlready {}
//!
//! #[derive(Command, Serialize, Deserialize)]
//! #[cqrs(error = OpenAlready)]
//! pub struct OpenDoor { door: DoorId }
//!
//! pub struct Door;
//!
//! #[aggregate(id = DoorId, on = [DoorOpened])]
//! impl Door {
//!     fn opened(_: &DoorOpened) -> Self { Door }
//! }
//!
//! #[command]
//! fn open(cmd: OpenDoor, door: Option<&Door>) -> Result<DoorOpened, OpenAlready> {
//!     if door.is_some() { Err(OpenAlready) } else { Ok(DoorOpened { door: cmd.door }) }
//! }
//!
//! let door = DoorId::new();
//! nothing().when(OpenDoor { door }).then(DoorOpened { door });
//! given(DoorOpened { door }).when(OpenDoor { door }).rejected(OpenAlready);
//! ```
//!
//! # Views
//!
//! The events are folded one at a time, all at once, and in random batches; a fold whose result depends on that is a mistake.
//!
//! ```
//! use cqrs_runtime::prelude::*;
//! use cqrs_runtime::testing::given;
//!
//! # #[derive(Id)] pub struct DoorId(Uuid);
//! #[derive(Event, Serialize, Deserialize)]
//! pub struct DoorOpened { #[tag] door: DoorId }
//!
//! #[derive(View, Serialize, Deserialize, Debug, PartialEq)]
//! pub struct DoorUse { #[key] door: DoorId, opened: u32 }
//!
//! #[projection(on = [DoorOpened])]
//! impl DoorUse {
//!     fn opened(this: Option<Self>, event: &DoorOpened) -> Self {
//!         Self { door: event.door, opened: this.map_or(0, |this| this.opened) + 1 }
//!     }
//! }
//!
//! let (door, other) = (DoorId::new(), DoorId::new());
//! let doors = given([DoorOpened { door }, DoorOpened { door }]);
//! assert_eq!(doors.view::<DoorUse>(door), Some(DoorUse { door, opened: 2 }));
//! assert_eq!(doors.view::<DoorUse>(other), None);
//! ```
//!
//! # Policies
//!
//! A policy stays the function that it is: a test calls it. [`recorded`] makes the event of one that takes `&Recorded<E>`, and
//! [`State::new`](crate::State::new) the service that it acts through.
//!
//! ```
//! use cqrs_runtime::prelude::*;
//! use cqrs_runtime::testing::recorded;
//!
//! # #[derive(Id)] pub struct DoorId(Uuid);
//! # #[derive(Event, Serialize, Deserialize)] pub struct DoorOpened { #[tag] door: DoorId }
//! # #[derive(Event, Serialize, Deserialize)] pub struct DoorClosed { #[tag] door: DoorId }
//! #[derive(Command, Serialize, Deserialize, Debug, PartialEq)]
//! pub struct CloseDoor { door: DoorId, because: Uuid }
//! # #[command]
//! # fn close(cmd: CloseDoor) -> Result<DoorClosed, std::convert::Infallible> { Ok(DoorClosed { door: cmd.door }) }
//!
//! #[policy(on = [DoorOpened])]
//! fn doors_close_themselves(e: &Recorded<DoorOpened>) -> CloseDoor {
//!     CloseDoor { door: e.door, because: e.id() }
//! }
//!
//! let opened = recorded(DoorOpened { door: DoorId::new() });
//! let expected = CloseDoor { door: opened.door, because: opened.id() };
//! assert_eq!(doors_close_themselves(&opened), expected);
//! ```
//!
//! Events, policies and decisions together are tested on an app with a log in memory, which says when nothing more follows:
//! [`App::settled`](crate::App::settled).

mod outcome;
pub(crate) mod random;
mod scenario;
mod views;

pub use outcome::Outcome;
pub use scenario::{Happened, Scenario, given, nothing, recorded};
