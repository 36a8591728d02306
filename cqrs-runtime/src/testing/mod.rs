//! Given, when, then: tests of decisions and views on the production path, without a database.
//!
//! A scenario runs on a log in memory, with the sequencer and the projection engine of production. It needs no runtime: tests are
//! plain functions. It also works inside a runtime. Other linked code does not matter, so one test binary may hold several
//! domains.
//!
//! The state of an aggregate with [snapshots](crate::snapshot) is written and read back before each decision, so a test shows what
//! `serde` skips.
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
//! The events are folded one at a time, all at once, and in random batches. A fold whose result depends on the batches is a
//! mistake.
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
//! # Queries
//!
//! [`ask`](Scenario::ask) runs a query on the views of these events: `given(events).ask(query)`. [`at`](Scenario::at) says when they
//! happened: `given(events).at(monday).and(others).at(tuesday).ask(query)`.
//!
//! # Policies
//!
//! A policy is a plain function: a test calls it. [`recorded`] makes the event of a policy that takes `&Recorded<E>`, and
//! [`State::new`](crate::State::new) the service that it uses.
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
//! To test events, policies and decisions together, build an app with a log in memory, and wait with
//! [`App::quiet`](crate::App::quiet).

mod ask;
mod events;
mod outcome;
mod scenario;
mod views;

pub use cqrs_core::random::Random;
pub use outcome::Outcome;
pub use scenario::{Happened, Scenario, given, nothing, recorded};
