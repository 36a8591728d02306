//! A position in an event's JSON.

/// A position in an event's JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The type of its value.
    pub(super) kind: String,
    /// Whether an event can be read without it.
    pub(super) optional: bool,
}
