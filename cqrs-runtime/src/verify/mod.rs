//! What is linked, held to the rules by a test of your own; and how events may change.
//!
//! One line in a crate's tests:
//!
//! ```
//! cqrs_runtime::verify!();
//! ```
//!
//! It makes a `#[test]` that checks everything that is linked into the test program, without a database: what
//! [`AppBuilder::build`] checks (rules 801 to 807), what it only warns of (804), and that the events are those of `events.lock` (rule 805). It
//! stands best in a file of `tests/`, which links the crate as its users do: in a unit test the crate's other unit
//! tests are linked as well, with whatever events they make up. A crate that the test never names is not linked:
//! `use my_domain as _;`.
//!
//! | option | meaning |
//! | --- | --- |
//! | `only = ["shop::orders"]` | only what stands in these modules, as [`AppBuilder::only`] |
//! | `accept = ["OrderArchived"]` | events and views that lead nowhere and are meant to (rule 804), as [`AppBuilder::accept`] |
//! | `builder = shop_builder()` | the composition root: 803 and 806 need the services and the log that it was given |
//! | `lock = "path/events.lock"` | the lock file, from the crate's folder: `events.lock` there without the option |
//!
//! The test has one name, so a module holds one of them. The function underneath, for a test of another form (an async
//! one, say): [`linked`].
//!
//! # How events may change
//!
//! A stored event is never rewritten. Whatever a program has written into its log, every later program must be able to
//! read: that is the one thing about an event-sourced program that cannot be put right afterwards. So a change of an
//! event is one of three:
//!
//! **Nothing is lost, and nothing is lacking: change it in place.** A new field that stored events can do without,
//! because it is an `Option` or has a `#[serde(default)]`; a field that may be missing from now on; a wider number,
//! `u64` for `u32`; a new variant of an enum inside. Choose a default only where it *says what was true* when the old
//! events were stored. A renamed field keeps its name in the log by `#[serde(rename = "..")]`, a renamed event by
//! `#[cqrs(name = "..")]`.
//!
//! **Its fields mean something else, or there are other fields: a new version.** The old type stays as it was, under
//! another Rust name; the new one names it, and says how the one becomes the other:
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
//! Everything else knows today's version only: aggregates, projections and handlers are given an `OrderShipped`,
//! whatever version was stored. The chain of `from` is checked when the program is compiled (rule 107), so it always
//! reaches back to version 1. What cannot be raised are *tags*: they are stored beside the event, as its type of that
//! day made them.
//!
//! **It is another fact: another event.** An event that comes to mean something else than its name says, or that falls
//! into two, gets a new name and keeps the old type, which its readers go on folding.
//!
//! # `events.lock`
//!
//! The file lists every event, with its versions, tags and fields, one a line, sorted: a change of an event is a change
//! of this file, and is seen in review. The test compares it with the program:
//!
//! - *Additions* (a new event, a new version, a change in place that harms no stored event) fail it until they are
//!   written down: `CQRS_BLESS=1 cargo test`, then commit the file. So does a missing file: that is a new crate's first
//!   run.
//! - *Losses* (a field that is gone, is of another type, or is new and not in stored events; a tag that is another; an
//!   event or a version that is gone) fail it, and `CQRS_BLESS=1` does not write them: the message says what stored
//!   events would lose and how to write the new version instead. Where no log holds such an event, before the first
//!   release, say, the event is named: `CQRS_BLESS=1 CQRS_BLESS_LOSS=OrderShipped,OrderClosed cargo test`.
//! - An event that is gone and that the `builder` names as [retired](AppBuilder::retired) is no loss: it is taken off the list as an
//!   addition is put on it.
//! - A file that cannot be read, after a merge, say, is never written anew: mend it, or take it from version control.
//!
//! What an event's own derive can see are its fields and the types *as the source writes them*: `lines: Vec<Line>`. A
//! change inside `Line` does not show there, and the file says so: `schema: not covered`. With the feature `schema` of
//! this crate, the events that derive `schemars::JsonSchema` (version 1 of `schemars`) are listed down to the innermost
//! field instead, with no further attribute. Types of `#[derive(Id)]`, [`Timestamp`](crate::Timestamp) and
//! [`Date`](crate::Date) implement it with that feature.
//!
//! # When it is too late
//!
//! An event that a *newer* program wrote, or one that no version can read, stops nothing but what it is about: commands
//! on that aggregate fail with [`CommandError::Corrupt`](crate::CommandError::Corrupt), a view's row is parked and an
//! async projection waits before it ([`App::parked`](crate::App::parked)), each with the event, its position and the
//! versions. So, where several programs share a log, the readers are brought up to date before the writer.

mod compare;
mod file;
mod lock;
mod schema;

use std::fmt;
use std::path::PathBuf;

use crate::app::{AppBuilder, Fault};
use compare::Change;

/// A test of everything that is linked, and of `events.lock`: see [the module](mod@crate::verify).
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

/// Whether `events.lock` may be written.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Bless {
    /// No: every difference is a fault.
    #[default]
    No,
    /// Additions are written.
    Additions,
    /// Additions are written, and the losses of the events of these names.
    Losses(Vec<String>),
}

impl Bless {
    /// What the environment says: `CQRS_BLESS=1`, and `CQRS_BLESS_LOSS=OrderShipped,OrderClosed`.
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

/// A check of what is linked. [`check`](Self::check) runs it.
#[must_use = "nothing is checked until `.check()`"]
pub struct Verify {
    folder: PathBuf,
    lock: PathBuf,
    only: Vec<String>,
    accepted: Vec<String>,
    app: Option<AppBuilder>,
    bless: Bless,
}

/// Everything that is linked into this program, and the `events.lock` in `folder`: `env!("CARGO_MANIFEST_DIR")`.
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
    /// Only what stands in these modules, as [`AppBuilder::only`].
    pub fn only<P: Into<String>>(mut self, modules: impl IntoIterator<Item = P>) -> Self {
        self.only.extend(modules.into_iter().map(Into::into));
        self
    }

    /// The composition root, so that 803 and 806 can be checked too: the services that it was given, and its log, if it
    /// has one already.
    pub fn builder(mut self, app: AppBuilder) -> Self {
        self.app = Some(app);
        self
    }

    /// Events and views that lead nowhere, and are meant to, as [`AppBuilder::accept`].
    pub fn accept<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.accepted.extend(names.into_iter().map(Into::into));
        self
    }

    /// The lock file, instead of `events.lock`; a relative path is one from the folder.
    pub fn lock(mut self, path: impl Into<PathBuf>) -> Self {
        self.lock = path.into();
        self
    }

    /// Whether the lock file may be written, instead of what the environment says.
    pub fn bless(mut self, bless: Bless) -> Self {
        self.bless = bless;
        self
    }

    /// Checks, and writes the lock file if that is allowed.
    ///
    /// # Errors
    /// Every fault, with the file and line of every party.
    pub fn check(self) -> Result<(), VerifyError> {
        let composed = self.app.is_some();
        let mut app = self.app.unwrap_or_default();
        if !self.only.is_empty() {
            app = app.only(self.only);
        }
        app = app.accept(self.accepted);
        let retired = app.retired_names().clone();
        let (mut faults, events) = app.verify(composed);
        faults.extend(file::check(&self.folder.join(self.lock), &events, &retired, &self.bless));
        if faults.is_empty() { Ok(()) } else { Err(VerifyError { faults }) }
    }
}

/// What is wrong with the linked program, or with its `events.lock`.
pub struct VerifyError {
    /// Every fault.
    pub faults: Vec<Fault>,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.faults.len() {
            1 => f.write_str("what is linked does not fit together:")?,
            n => write!(f, "what is linked does not fit together, for {n} reasons:")?,
        }
        self.faults.iter().try_for_each(|fault| write!(f, "\n{fault}"))
    }
}

/// As [`Display`](fmt::Display), since a test prints the error that it returns so.
impl fmt::Debug for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for VerifyError {}
