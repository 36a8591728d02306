//! A hash of a command's content, by which a reused command id is detected.

use std::fmt;

/// A hash of a command's content, stored with the command's id: the same id with other content is refused.
///
/// It covers the command's JSON, where the order of an object's fields and of a set's elements does not count, and the shape of the
/// command's type. A program of another version has another shape, and then the content is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHash {
    /// Hash of the JSON.
    pub content: u64,
    /// Hash of the names and kinds of the fields of the command's type.
    pub shape: u64,
}

/// As a store keeps it: two numbers in 33 characters.
impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{:016x}", self.content, self.shape)
    }
}

impl ContentHash {
    /// Parses what [`Display`](fmt::Display) writes. `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (content, shape) = text.split_once('.')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        Some(Self { content: number(content)?, shape: number(shape)? })
    }
}
