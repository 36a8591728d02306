//! A test that checks the linked program against the rules, and the rules for changing events.
//!
//! One line in a crate's tests:
//!
//! ```
//! cqrs_runtime::verify!();
//! ```
//!
//! It expands to a `#[test]` that checks everything that is linked into the test program, without a database: what [`AppBuilder::build`]
//! checks (rules 801 to 807), what it only warns of (804), and that the events match `events.lock` (rule 805). Put it into a file of
//! `tests/`, which links the crate as its users do. In a unit test the events of the crate's other unit tests are linked too. A crate that
//! the test never names is not linked: write `use my_domain as _;`.
//!
//! | option | meaning |
//! | --- | --- |
//! | `only = ["shop::orders"]` | only handlers and events in these modules, like [`AppBuilder::only_modules`] |
//! | `accept = ["OrderArchived"]` | events and views that lead nowhere on purpose (rule 804), like [`AppBuilder::accept`] |
//! | `builder = shop_builder()` | the app's builder: rules 803 and 806 need its services and its log |
//! | `lock = "path/events.lock"` | the lock file, relative to the crate's folder. Default: `events.lock` |
//!
//! The test's name is fixed, so use the macro once per module. For a test of another form (an async test, for
//! example), call the function underneath: [`linked`].
//!
//! # How events may change
//!
//! A stored event is never rewritten. Every later program must be able to read what earlier programs have written into
//! the log: in an event-sourced program this is the one thing that cannot be repaired afterwards. So a change of an
//! event is one of three:
//!
//! **Nothing is lost and nothing is missing: change it in place.** Add a field that stored events can lack, because it
//! is an `Option` or has a `#[serde(default)]`; make a field optional; widen a number, `u64` for `u32`; add a variant
//! to an inner enum. Choose a default only if it *was true* when the old events were stored. A renamed field keeps its
//! stored name with `#[serde(rename = "..")]`, a renamed event with `#[cqrs(name = "..")]`.
//!
//! **Fields change their meaning, or there are other fields: add a version.** Keep the old type unchanged under
//! another Rust name. The new type names it, and says how to convert it:
//!
//! ```
//! use cqrs_runtime::prelude::*;
//! # #[derive(Id)] pub struct OrderId(Uuid);
//!
//! #[derive(Event, Serialize, Deserialize)]
//! #[cqrs(name = "OrderShipped")]
//! pub struct OrderShippedV1 {
//!     #[tag]
//!     order: OrderId,
//!     parcel: String,
//! }
//!
//! #[derive(Event, Serialize, Deserialize)]
//! #[cqrs(version = 2, from = OrderShippedV1)]
//! pub struct OrderShipped {
//!     #[tag]
//!     order: OrderId,
//!     parcels: Vec<String>,
//! }
//!
//! impl From<OrderShippedV1> for OrderShipped {
//!     fn from(old: OrderShippedV1) -> Self {
//!         Self { order: old.order, parcels: vec![old.parcel] }
//!     }
//! }
//! ```
//!
//! All other code sees the current version only: aggregates, projections and handlers get an `OrderShipped`, for any
//! stored version. The chain of `from` is checked at compile time (rule 107), so it always reaches back to version 1.
//! *Tags* cannot be upcast: they are stored with the event, as its type made them at that time.
//!
//! **It is another fact: add an event.** If an event gets another meaning than its name says, or is split into two,
//! use a new name and keep the old type, which its readers continue to fold.
//!
//! # `events.lock`
//!
//! The file lists every event with its versions, tags and fields, one per line, sorted. So a change of an event is a change of this
//! file and shows in review. The test compares the file with the program:
//!
//! - *Additions* (a new event, a new version, a change in place that is harmless for stored events) fail the test until they are
//!   written: run `CQRS_BLESS=1 cargo test`, then commit the file. So does a missing file, as in a new crate's first run.
//! - *Losses* (a field that is gone, has another type, or is new and missing in stored events; a changed tag; an event or version
//!   that is gone) fail the test, and `CQRS_BLESS=1` does not write them. The message says what stored events would lose, and how to
//!   write the new version instead. If no log holds such an event, before the first release for example, name the event:
//!   `CQRS_BLESS=1 CQRS_BLESS_LOSS=OrderShipped,OrderClosed cargo test`.
//! - An event that is gone and that the `builder` names as [retired](AppBuilder::retired) is not a loss: it is removed from the file
//!   like an addition is added.
//! - A file that cannot be read, after a merge for example, is never overwritten: fix it, or restore it from version control.
//!
//! An event's own derive sees its fields and their types *as the source writes them*: `lines: Vec<Line>`. A change
//! inside `Line` does not show, and the file says so: `schema: not covered`. With this crate's feature `schema`, events
//! that derive `schemars::JsonSchema` (version 1 of `schemars`) are listed down to the innermost field instead, without
//! another attribute. Types with `#[derive(Id)]`, [`Timestamp`](crate::Timestamp) and [`Date`](crate::Date) implement
//! it with that feature.
//!
//! # Unreadable events
//!
//! An event that a *newer* program wrote, or that no version can read, affects only what it is about: commands on that
//! aggregate fail with [`CommandError::Corrupt`](crate::CommandError::Corrupt), a view's row is parked, and an async
//! projection waits before it ([`App::parked`](crate::App::parked)). Each error names the event, its position and the
//! versions. So if several programs share a log, update the readers before the writer.

mod compare;
mod field;
mod file;
mod lock;
mod schema;

use std::fmt;
use std::path::PathBuf;

use crate::app::{AppBuilder, Fault};
use compare::Change;
use cqrs_core::debug::opaque_debug;

/// Expands to a test of everything that is linked, and of `events.lock`: see [the module](mod@crate::verify).
///
/// ```
/// cqrs_runtime::verify!(only = ["my_crate::orders"], lock = "orders.lock");
/// ```
#[macro_export]
macro_rules! verify {
    ($($option:ident = $value:expr),* $(,)?) => {
        #[::core::prelude::v1::test]
        fn what_is_linked_fits_together_and_stored_events_can_be_read() {
            let verified = $crate::verify::linked(::core::env!("CARGO_MANIFEST_DIR"))$(.$option($value))*.check();
            if let ::core::result::Result::Err(faults) = verified {
                ::core::panic!("{faults}");
            }
        }
    };
}

/// What may be written to `events.lock`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Bless {
    /// Nothing: every difference is a fault.
    #[default]
    No,
    /// Additions.
    Additions,
    /// Additions, and the losses of these events.
    Losses(Vec<String>),
}

impl Bless {
    /// From the environment: `CQRS_BLESS=1`, and `CQRS_BLESS_LOSS=OrderShipped,OrderClosed`.
    #[must_use]
    pub fn from_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !["", "0"].contains(&&**value));
        match (set("CQRS_BLESS"), set("CQRS_BLESS_LOSS")) {
            (_, Some(events)) => Self::Losses(events.split(',').map(|event| event.trim().to_owned()).collect()),
            (Some(_), None) => Self::Additions,
            (None, None) => Self::No,
        }
    }

    fn takes(&self, change: &Change) -> bool {
        match self {
            Self::No => false,
            Self::Additions => change.losses.is_empty(),
            Self::Losses(events) => change.losses.is_empty() || events.contains(&change.event),
        }
    }
}

/// A check of the linked program. [`check`](Self::check) runs it.
#[must_use = "nothing is checked until `.check()`"]
pub struct Verify {
    folder: PathBuf,
    lock: PathBuf,
    only: Vec<String>,
    accepted: Vec<String>,
    app: Option<AppBuilder>,
    bless: Bless,
}

opaque_debug!(Verify { folder, lock, only, accepted });

/// A check of everything that is linked, and of the `events.lock` in `folder`: `env!("CARGO_MANIFEST_DIR")`.
///
/// ```
/// use cqrs_runtime::App;
/// use cqrs_runtime::log::MemoryLog;
///
/// #[tokio::test]
/// async fn the_shop_fits_together() {
///     let shop = App::builder().log(MemoryLog::new());
///     cqrs_runtime::verify::linked(env!("CARGO_MANIFEST_DIR")).builder(shop).check().unwrap();
/// }
/// ```
pub fn linked(folder: impl Into<PathBuf>) -> Verify {
    let bless = Bless::from_environment();
    Verify {
        folder: folder.into(),
        lock: "events.lock".into(),
        only: Vec::new(),
        accepted: Vec::new(),
        app: None,
        bless,
    }
}

impl Verify {
    /// Checks only handlers and events in these modules, like [`AppBuilder::only_modules`].
    pub fn only<P: Into<String>>(mut self, modules: impl IntoIterator<Item = P>) -> Self {
        self.only.extend(modules.into_iter().map(Into::into));
        self
    }

    /// Sets the app's builder, so that 803 and 806 are checked too: with its services, and with its log, if one is set.
    pub fn builder(mut self, app: AppBuilder) -> Self {
        self.app = Some(app);
        self
    }

    /// Accepts events and views that lead nowhere on purpose, like [`AppBuilder::accept`].
    pub fn accept<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.accepted.extend(names.into_iter().map(Into::into));
        self
    }

    /// Sets the lock file. A relative path starts at the folder. Default: `events.lock`.
    pub fn lock(mut self, path: impl Into<PathBuf>) -> Self {
        self.lock = path.into();
        self
    }

    /// Sets what may be written to the lock file. Default: what the environment says.
    pub fn bless(mut self, bless: Bless) -> Self {
        self.bless = bless;
        self
    }

    /// Runs the check, and writes the lock file if allowed.
    ///
    /// # Errors
    /// Every fault, with the file and line of everything involved.
    pub fn check(self) -> Result<(), VerifyError> {
        let composed = self.app.is_some();
        let mut app = self.app.unwrap_or_default();
        if !self.only.is_empty() {
            app = app.only_modules(self.only);
        }
        app = app.accept(self.accepted);
        let retired = app.retired_names().clone();
        let (mut faults, events) = app.verify(composed);
        faults.extend(file::check(&self.folder.join(self.lock), &events, &retired, &self.bless));
        if faults.is_empty() { Ok(()) } else { Err(VerifyError { faults }) }
    }
}

/// The faults of the linked program and of its `events.lock`.
pub struct VerifyError {
    /// Every fault.
    pub faults: Vec<Fault>,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.faults.len() {
            1 => f.write_str("the linked program has a fault:")?,
            n => write!(f, "the linked program has {n} faults:")?,
        }
        self.faults.iter().try_for_each(|fault| write!(f, "\n{fault}"))
    }
}

/// The same text as [`Display`](fmt::Display), since this is what a test prints of an error that it returns.
impl fmt::Debug for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for VerifyError {}
