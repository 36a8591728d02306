//! What a command id was used for: a hash of the command's content.

use std::fmt;

/// A hash of a command's content, which the log keeps with the command's id: the same id with other content is refused.
///
/// It is made of the command's JSON, in which the order of an object's fields and of a set's elements does not count, and of the shape
/// of the command's type, so that a program of another version is not held to what it cannot know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHash {
    /// Of the JSON.
    pub(crate) content: u64,
    /// Of the names and kinds of fields that the command's type has.
    pub(crate) shape: u64,
}

/// As a store keeps it: two numbers, 33 letters.
impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{:016x}", self.content, self.shape)
    }
}

impl ContentHash {
    /// Reads what [`Display`](fmt::Display) has written. `None` where it is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (content, shape) = text.split_once('.')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        Some(Self { content: number(content)?, shape: number(shape)? })
    }
}
