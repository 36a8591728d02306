//! Whether a command that comes with an id that is known is the command that the id was used for.

use std::sync::Arc;

use crate::log::ContentHash;
use crate::message::Command;
use crate::shape::Hash;

/// How often a command is read and written to find out whether its JSON is always the same.
const READINGS: usize = 16;

/// A command's content: what is compared when its id is known already.
#[derive(Clone)]
pub(crate) struct Content {
    json: Arc<str>,
    pub(crate) hash: ContentHash,
}

impl Content {
    /// That of a command. `None` of one that serde refuses to write: its id is compared by the command's name alone.
    pub(crate) fn of<C: Command>(command: &C) -> Option<Self> {
        let json = (C::JSON.write)(command).ok()?;
        let (exact, unordered) = hashes(&json);
        Some(Self { json: json.into(), hash: ContentHash { exact, unordered, shape: (C::JSON.shape)() } })
    }

    /// Whether the command that was executed under the same id may have been this one.
    ///
    /// Of a command of another shape that cannot be said: a program of another version writes the same command in another way (a
    /// field with a default was added, say). So it counts as the same: a repetition across a deployment must not be refused.
    pub(crate) fn is_that_of<C: Command>(&self, first: ContentHash) -> bool {
        self.hash.exact == first.exact
            || self.hash.shape != first.shape
            || (self.hash.unordered == first.unordered && !self.has_an_order::<C>())
    }

    /// Whether the order of its arrays is content. That of a `HashSet` is not: it is another one each time it is read.
    fn has_an_order<C: Command>(&self) -> bool {
        (0..READINGS).all(|_| {
            let again = (C::JSON.read)(&self.json).ok().and_then(|command| (C::JSON.write)(&command).ok());
            again.is_some_and(|json| hashes(&json).0 == self.hash.exact)
        })
    }
}

/// The hashes of what `serde_json` has written: with arrays in their order, and in any order. The order of fields is never one,
/// since that of a `HashMap` is none.
///
/// It reads the text, and not a `serde_json::Value`, which holds neither every number nor, in every program, the same order.
fn hashes(json: &str) -> (u64, u64) {
    let mut reader = Reader { rest: json };
    let value = reader.value();
    (value.exact, value.unordered)
}

#[derive(Clone, Copy)]
struct Hashes {
    exact: u64,
    unordered: u64,
}

impl Hashes {
    fn of(text: &str) -> Self {
        let hash = one([text]);
        Self { exact: hash, unordered: hash }
    }
}

fn one<'a>(parts: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut hash = Hash::default();
    parts.into_iter().for_each(|part| hash.part(part));
    hash.0
}

fn all(kind: &str, hashes: impl Iterator<Item = u64>) -> u64 {
    let mut hash = Hash::default();
    hash.part(kind);
    hashes.for_each(|part| hash.part(&part.to_string()));
    hash.0
}

/// Reads compact JSON, as `serde_json` writes it.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Hashes {
        match self.rest.as_bytes().first() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => Hashes::of(self.text()),
            _ => {
                let end = self.rest.find([',', ']', '}']).unwrap_or(self.rest.len());
                Hashes::of(self.take(end))
            }
        }
    }

    fn object(&mut self) -> Hashes {
        let mut fields = Vec::new();
        self.take(1);
        while self.goes_on('}') {
            let name = self.text();
            self.take(1);
            fields.push((name, self.value()));
        }
        fields.sort_by_key(|(name, _)| *name);
        let of =
            |which: fn(&Hashes) -> u64| all("{", fields.iter().flat_map(|(name, value)| [one([*name]), which(value)]));
        Hashes { exact: of(|value| value.exact), unordered: of(|value| value.unordered) }
    }

    fn array(&mut self) -> Hashes {
        let mut values = Vec::new();
        self.take(1);
        while self.goes_on(']') {
            values.push(self.value());
        }
        let exact = all("[", values.iter().map(|value| value.exact));
        values.sort_by_key(|value| value.unordered);
        Hashes { exact, unordered: all("[", values.iter().map(|value| value.unordered)) }
    }

    /// A text with its quotes.
    fn text(&mut self) -> &'a str {
        let mut escaped = false;
        let closes = |(place, letter): &(usize, u8)| {
            let ends = *place > 0 && *letter == b'"' && !escaped;
            escaped = *letter == b'\\' && !escaped;
            ends
        };
        let end = self.rest.bytes().enumerate().find(closes).map_or(self.rest.len(), |(place, _)| place + 1);
        self.take(end)
    }

    /// Passes over a comma, or the end. Says whether there is more before it.
    fn goes_on(&mut self, end: char) -> bool {
        self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
        match self.rest.strip_prefix(end) {
            Some(rest) => {
                self.rest = rest;
                false
            }
            None => !self.rest.is_empty(),
        }
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes.min(self.rest.len()));
        self.rest = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_no_order_and_arrays_have_one() {
        let one = hashes(r#"{"a":1,"b":[{"c":"x","d":null},2]}"#);
        assert_eq!(one, hashes(r#"{"b":[{"d":null,"c":"x"},2],"a":1}"#));
        let turned = hashes(r#"{"b":[2,{"d":null,"c":"x"}],"a":1}"#);
        assert_eq!((one.0 == turned.0, one.1 == turned.1), (false, true));
    }

    #[test]
    fn whatever_else_differs_is_another_content() {
        let texts = [
            "null",
            "true",
            "1",
            "-1",
            "1.0",
            "10",
            r#""1""#,
            r#""""#,
            "[]",
            "{}",
            "[[]]",
            "[1]",
            "[1,1]",
            "[11]",
            "[\"1\"]",
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":[1]}"#,
            r#"{"a":{"a":1}}"#,
            r#"{"aa":1}"#,
            r#"{"a":1,"b":1}"#,
            r#"{"a\"":1}"#,
            r#""\\""#,
            r#""\\\"""#,
            r#""a,b""#,
            r#"["a","b"]"#,
            r#""]""#,
            r#"["]"]"#,
            r#"["}",1]"#,
            r#""ü""#,
            "340282366920938463463374607431768211455",
            "340282366920938463463374607431768211454",
        ];
        for (place, a) in texts.iter().enumerate() {
            for b in &texts[..place] {
                assert_ne!(hashes(a).0, hashes(b).0, "{a} and {b}");
                assert_ne!(hashes(a).1, hashes(b).1, "{a} and {b}");
            }
        }
    }

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = ContentHash { exact: 1, unordered: u64::MAX, shape: 0 };
        assert_eq!(hash.to_string().len(), 50);
        assert_eq!(ContentHash::parse(&hash.to_string()), Some(hash));
        for strange in ["", "1", "1.2", "1.2.3.4", "1.2.x"] {
            assert_eq!(ContentHash::parse(strange), None, "{strange}");
        }
    }
}
