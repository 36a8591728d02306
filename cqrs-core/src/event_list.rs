//! Which events a handler may emit, known while compiling.

/// A `#[tag]` field of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagInfo {
    /// The field's name in the stored JSON.
    pub field: &'static str,
    /// The prefix of its identifier's tags.
    pub prefix: &'static str,
}

/// The events that a handler may emit: [`Events::LIST`](crate::event::Events::LIST).
#[derive(Clone, Copy, Debug)]
pub enum EventList {
    /// One event.
    One {
        /// Its name in the log.
        name: &'static str,
        /// Its `#[tag]` fields.
        tags: &'static [TagInfo],
    },
    /// The events of several lists.
    All(&'static [&'static EventList]),
}

impl EventList {
    /// No event.
    pub const NONE: &'static Self = &Self::All(&[]);

    /// The names of the events, in the order in which they are written. An event may be there twice.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        match self {
            Self::One { name, .. } => vec![name],
            Self::All(lists) => lists.iter().flat_map(|list| list.names()).collect(),
        }
    }
}
