//! What a command id was used for: a hash of the command's content.

use std::fmt;

/// A hash of a command's content, which the log keeps with the command's id: the same id with other content is refused.
///
/// It is made of the command's JSON, in which the order of an object's fields does not count, and of the shape of the command's type, so that a
/// program of another version is not held to what it cannot know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHash {
    /// Of the JSON, arrays in their order.
    pub(crate) exact: u64,
    /// Of the JSON, arrays in any order: sets have none.
    pub(crate) unordered: u64,
    /// Of the names and kinds of fields that the command's type has.
    pub(crate) shape: u64,
}

/// As a store keeps it: three numbers, 50 letters.
impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{:016x}.{:016x}", self.exact, self.unordered, self.shape)
    }
}

impl ContentHash {
    /// Reads what [`Display`](fmt::Display) has written. `None` where it is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|number| u64::from_str_radix(number, 16));
        let mut next = || numbers.next()?.ok();
        let hash = Self { exact: next()?, unordered: next()?, shape: next()? };
        numbers.next().is_none().then_some(hash)
    }
}
