//! Which names a log holds, and which programs have declared: so that a name that disappears is noticed (rule 808).

use super::{BoxFuture, StoreError};
use crate::id::Tag;
use crate::time::Timestamp;

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// A type of events.
    Event,
    /// A type of ids: the prefix of its tags.
    TagPrefix,
    /// A policy.
    Policy,
}

impl NameKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Event, Self::TagPrefix, Self::Policy];

    /// How a store writes it: `event`, `tag prefix` or `policy`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::TagPrefix => "tag prefix",
            Self::Policy => "policy",
        }
    }

    /// The kind that [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A name that a program brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// What it is the name of.
    pub kind: NameKind,
    /// The name.
    pub name: String,
    /// The file, line and module where it is declared.
    pub by: String,
    /// When the program declared it, by its own clock.
    pub at: Timestamp,
    /// The name that has taken its place, if one has: see `#[policy(was = "..")]`.
    pub replaced_by: Option<String>,
}

/// A name that some program has declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredName {
    /// What its first declaration said, and the last replacement that one told of.
    pub declaration: Declaration,
    /// Which set of new names it came with, counted from 1; 0 where it is older than the register.
    pub generation: u64,
}

/// The names that a log's events and tags really have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredNames {
    /// The name of every event, each once, ascending.
    pub events: Vec<String>,
    /// For each prefix of the tags one tag that has it, ascending.
    pub tags: Vec<Tag>,
}

/// A log's register of names. What it says serves [`App::build`](crate::AppBuilder::build) only: no command reads or writes it.
pub trait NameRegister: Send + Sync + 'static {
    /// The names of the events in the log, and the prefixes of their tags. It must not read the whole log: one step in an index a name.
    fn stored(&self) -> BoxFuture<'_, Result<StoredNames, StoreError>>;

    /// Every name that was declared, in any order.
    fn declared(&self) -> BoxFuture<'_, Result<Vec<DeclaredName>, StoreError>>;

    /// Adds names, in one transaction. Those that are new all get the generation that follows the greatest there is. A name that is
    /// there keeps its generation, time and place, and gets `replaced_by` where the declaration has one.
    fn declare<'a>(&'a self, names: &'a [Declaration]) -> BoxFuture<'a, Result<(), StoreError>>;
}
