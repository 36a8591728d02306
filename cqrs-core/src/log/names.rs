//! The names that a log holds and that programs have declared, so that a name that disappears is noticed (rule
//! 808).

use crate::id::Tag;
use crate::store_error::{BoxFuture, StoreError};
use crate::time::Timestamp;

/// What a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// An event type.
    Event,
    /// An id type: the prefix of its tags.
    TagPrefix,
    /// A policy.
    Policy,
}

impl NameKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Event, Self::TagPrefix, Self::Policy];

    /// How a store writes the kind: `event`, `tag prefix` or `policy`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::TagPrefix => "tag prefix",
            Self::Policy => "policy",
        }
    }

    /// Parses what [`as_str`](Self::as_str) writes.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A name that a program declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// What the name belongs to.
    pub kind: NameKind,
    /// The name.
    pub name: String,
    /// The file, line and module where it is declared.
    pub by: String,
    /// When the program declared it, by its own clock.
    pub at: Timestamp,
    /// The name that has replaced it, if any: see `#[policy(was = "..")]`.
    pub replaced_by: Option<String>,
}

/// A declared name, as the register stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredName {
    /// Its first declaration, with the latest `replaced_by`.
    pub declaration: Declaration,
    /// The number of the set of new names that it was declared with, counted from 1. 0 if it is older than
    /// the register.
    pub generation: u64,
}

/// The names that the log's events and tags actually have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredNames {
    /// The name of every event, once each, ascending.
    pub events: Vec<String>,
    /// One tag of each tag prefix, ascending.
    pub tags: Vec<Tag>,
}

/// A log's register of names. Only `AppBuilder::build` uses it: no command reads or writes it.
pub trait NameRegister: Send + Sync + 'static {
    /// The names of the log's events and the prefixes of their tags. It must not read the whole log: one index step per name.
    fn stored(&self) -> BoxFuture<'_, Result<StoredNames, StoreError>>;

    /// Every declared name, in any order.
    fn declared(&self) -> BoxFuture<'_, Result<Vec<DeclaredName>, StoreError>>;

    /// Adds names in one transaction. New names get the generation after the greatest one so far. A known name keeps its
    /// generation, time and place, and takes over `replaced_by` if the declaration has one.
    fn declare<'a>(&'a self, names: &'a [Declaration]) -> BoxFuture<'a, Result<(), StoreError>>;
}
