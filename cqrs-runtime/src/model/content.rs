//! Compares a command that comes with a known id with the command that used the id first.

use crate::model::message::Command;
use cqrs_core::log::ContentHash;
use cqrs_core::shape::Hash;

/// How many arrays of a command are examined one by one, if they cannot be examined together.
const MOST_ARRAYS: usize = 64;

/// A command's content, which is compared if its id is already known.
#[derive(Clone, Copy)]
pub(crate) struct Content {
    pub(crate) hash: ContentHash,
}

impl Content {
    /// The content of a command. `None` if serde refuses to write it: then only the command's name is compared.
    pub(crate) fn of<C: Command>(command: &C) -> Option<Self> {
        let json = (C::JSON.write)(command).ok()?;
        let (mut tree, arrays) = parse(&json);
        let again = |json: &str| (C::JSON.read)(json).ok().and_then(|command| (C::JSON.write)(&command).ok());
        find_sets(&mut tree, arrays, again);
        Some(Self { hash: ContentHash { content: tree.hash(), shape: (C::JSON.shape)() } })
    }

    /// Whether the command that was executed under the same id may have been this one.
    ///
    /// This is unknown for a command with another shape: a program of another version writes the same command differently (a
    /// field with a default was added, for example). So it counts as the same: a retry across a deployment must not be refused.
    pub(crate) fn is_that_of(self, first: ContentHash) -> bool {
        self.hash.content == first.content || self.hash.shape != first.shape
    }
}

/// Finds the arrays that are sets. Their order is not content, and a `HashSet` has another order each time that it is read.
///
/// A set is what drops an element that is written twice.
fn find_sets(tree: &mut Node<'_>, arrays: usize, again: impl Fn(&str) -> Option<String>) {
    if arrays == 0 {
        return;
    }
    let mut look = |number: Option<usize>| {
        let mut doubled = String::new();
        tree.write_doubled(number, &mut doubled);
        let Some(read) = again(&doubled) else { return false };
        tree.mark_sets(&parse(&read).0, number);
        true
    };
    // An array of fixed length, such as a tuple, is refused with an extra element. Then each array is examined
    // separately.
    if !look(None) {
        for number in 0..arrays.min(MOST_ARRAYS) {
            look(Some(number));
        }
    }
}

/// Compact JSON, as `serde_json` writes it. Texts and numbers stay as written: a `serde_json::Value` cannot hold every number, and in
/// some programs changes the order of fields.
enum Node<'a> {
    Leaf(&'a str),
    Object(Vec<(&'a str, Node<'a>)>),
    Array { items: Vec<Node<'a>>, number: Option<usize>, is_set: bool },
}

impl Node<'_> {
    /// A hash that ignores the order of fields and of a set's elements.
    fn hash(&self) -> u64 {
        let mut hash = Hash::default();
        match self {
            Self::Leaf(text) => hash.part(text),
            Self::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().map(|(name, value)| (name, value.hash())).collect();
                fields.sort_unstable();
                hash.part("{");
                for (name, value) in fields {
                    hash.part(name);
                    hash.part(&value.to_string());
                }
            }
            Self::Array { items, is_set, .. } => {
                let mut items: Vec<u64> = items.iter().map(Self::hash).collect();
                if *is_set {
                    items.sort_unstable();
                }
                hash.part("[");
                for item in items {
                    hash.part(&item.to_string());
                }
            }
        }
        hash.0
    }

    /// Writes it with an array's first element repeated at the end of the array: of one array, or of each.
    fn write_doubled(&self, which: Option<usize>, json: &mut String) {
        let separated = |open: char, json: &mut String, place: usize| json.push(if place == 0 { open } else { ',' });
        match self {
            Self::Leaf(text) => json.push_str(text),
            Self::Object(fields) => {
                for (place, (name, value)) in fields.iter().enumerate() {
                    separated('{', json, place);
                    json.push_str(name);
                    json.push(':');
                    value.write_doubled(which, json);
                }
                json.push_str(if fields.is_empty() { "{}" } else { "}" });
            }
            Self::Array { items, number, .. } => {
                let is_doubled = number.is_some() && (which.is_none() || which == *number);
                for (place, item) in items.iter().chain(items.first().filter(|_| is_doubled)).enumerate() {
                    separated('[', json, place);
                    item.write_doubled(which, json);
                }
                json.push_str(if items.is_empty() { "[]" } else { "]" });
            }
        }
    }

    /// Marks the doubled arrays that have their original length after they were read and written.
    fn mark_sets(&mut self, again: &Node<'_>, which: Option<usize>) {
        match (self, again) {
            (Self::Object(fields), Node::Object(others)) => {
                for (name, value) in fields {
                    if let Some((_, other)) = others.iter().find(|(other, _)| other == name) {
                        value.mark_sets(other, which);
                    }
                }
            }
            // The elements of a set have changed their order, so they cannot be compared in pairs.
            (Self::Array { is_set: true, .. }, _) => {}
            (Self::Array { items, number, is_set }, Node::Array { items: others, .. }) => {
                let is_doubled = number.is_some() && (which.is_none() || which == *number);
                *is_set = is_doubled && items.len() == others.len();
                if !*is_set {
                    items.iter_mut().zip(others).for_each(|(item, other)| item.mark_sets(other, which));
                }
            }
            _ => {}
        }
    }
}

/// Parses JSON. Also returns the number of arrays with two or more elements.
fn parse(json: &str) -> (Node<'_>, usize) {
    let mut reader = Reader { rest: json, arrays: 0 };
    (reader.value(), reader.arrays)
}

struct Reader<'a> {
    rest: &'a str,
    arrays: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Node<'a> {
        match self.rest.as_bytes().first() {
            Some(b'{') => {
                let mut fields = Vec::new();
                self.take(1);
                while self.goes_on('}') {
                    let name = self.text();
                    self.take(1);
                    fields.push((name, self.value()));
                }
                Node::Object(fields)
            }
            Some(b'[') => {
                let mut items = Vec::new();
                self.take(1);
                while self.goes_on(']') {
                    items.push(self.value());
                }
                let number = (items.len() > 1).then_some(self.arrays);
                self.arrays += usize::from(number.is_some());
                Node::Array { items, number, is_set: false }
            }
            Some(b'"') => Node::Leaf(self.text()),
            _ => {
                let end = self.rest.find([',', ']', '}']).unwrap_or(self.rest.len());
                Node::Leaf(self.take(end))
            }
        }
    }

    /// A text, including its quotes.
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

    /// Skips a comma or the end. Returns whether another element follows.
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
    use std::collections::{BTreeSet, HashMap, HashSet};

    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Serialize};

    use super::*;

    /// The hash of this JSON, after `T` has read and written it.
    fn hash_of<T: Serialize + DeserializeOwned>(json: &str) -> u64 {
        let written = |json: &str| serde_json::to_string(&serde_json::from_str::<T>(json).ok()?).ok();
        let json = written(json).expect("the type's JSON");
        let (mut tree, arrays) = parse(&json);
        find_sets(&mut tree, arrays, written);
        tree.hash()
    }

    /// The hash of a text, in which no array is a set.
    fn hash(json: &str) -> u64 {
        parse(json).0.hash()
    }

    #[test]
    fn fields_have_no_order_and_arrays_have_one() {
        let one = hash(r#"{"a":1,"b":[{"c":"x","d":null},2]}"#);
        assert_eq!(one, hash(r#"{"b":[{"d":null,"c":"x"},2],"a":1}"#));
        assert_ne!(one, hash(r#"{"b":[2,{"d":null,"c":"x"}],"a":1}"#));
    }

    #[test]
    fn everything_else_that_differs_is_another_content() {
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
                assert_ne!(hash(a), hash(b), "{a} and {b}");
            }
        }
    }

    #[derive(Serialize, Deserialize)]
    struct Mixed {
        set: HashSet<String>,
        list: Vec<String>,
        map: HashMap<String, HashSet<u8>>,
        lists: Vec<HashSet<u8>>,
        sets: HashSet<Vec<u8>>,
        sorted: BTreeSet<u8>,
    }

    #[derive(Serialize, Deserialize)]
    struct WithTuples {
        pair: (u8, u8),
        set: HashSet<u8>,
        list: Vec<[u8; 2]>,
    }

    #[test]
    fn the_order_of_a_set_is_no_content_and_that_of_a_list_next_to_it_is() {
        let mixed = |set: &str, list: &str, map: &str, lists: &str, sets: &str, sorted: &str| {
            hash_of::<Mixed>(&format!(
                r#"{{"set":{set},"list":{list},"map":{map},"lists":{lists},"sets":{sets},"sorted":{sorted}}}"#
            ))
        };
        let (set, list) = (r#"["a","b","c"]"#, r#"["a","b","a"]"#);
        let (map, lists) = (r#"{"x":[1,2],"y":[]}"#, "[[1,2],[3]]");
        let first = mixed(set, list, map, lists, "[[1,2],[2,1,3]]", "[1,2]");
        for _ in 0..8 {
            assert_eq!(mixed(set, list, map, lists, "[[1,2],[2,1,3]]", "[1,2]"), first);
            let turned = r#"["c","a","b"]"#;
            let map = r#"{"y":[],"x":[2,1]}"#;
            assert_eq!(mixed(turned, list, map, "[[2,1],[3]]", "[[2,1,3],[1,2]]", "[2,1]"), first, "the same sets");
        }
        for other in [
            mixed(set, r#"["b","a","a"]"#, map, lists, "[[1,2],[2,1,3]]", "[1,2]"),
            mixed(set, r#"["a","b"]"#, map, lists, "[[1,2],[2,1,3]]", "[1,2]"),
            mixed(set, list, map, "[[3],[1,2]]", "[[1,2],[2,1,3]]", "[1,2]"),
            mixed(set, list, map, lists, "[[2,1],[2,1,3]]", "[1,2]"),
            mixed(set, list, map, lists, "[[1,2],[2,1,3]]", "[1,3]"),
            mixed(r#"["a","b"]"#, list, map, lists, "[[1,2],[2,1,3]]", "[1,2]"),
            mixed(set, list, r#"{"x":[],"y":[1,2]}"#, lists, "[[1,2],[2,1,3]]", "[1,2]"),
        ] {
            assert_ne!(other, first);
        }
    }

    #[test]
    fn sets_are_found_where_other_arrays_take_no_more_elements() {
        let with = |pair: &str, set: &str, list: &str| {
            hash_of::<WithTuples>(&format!(r#"{{"pair":{pair},"set":{set},"list":{list}}}"#))
        };
        let first = with("[1,2]", "[1,2,3]", "[[1,2],[3,4]]");
        for _ in 0..8 {
            assert_eq!(with("[1,2]", "[3,2,1]", "[[1,2],[3,4]]"), first);
        }
        assert_ne!(with("[2,1]", "[1,2,3]", "[[1,2],[3,4]]"), first);
        assert_ne!(with("[1,2]", "[1,2,3]", "[[3,4],[1,2]]"), first);
        assert_ne!(with("[1,2]", "[1,2,3]", "[[2,1],[3,4]]"), first);
    }

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = ContentHash { content: 1, shape: u64::MAX };
        assert_eq!(hash.to_string().len(), 33);
        assert_eq!(ContentHash::parse(&hash.to_string()), Some(hash));
        for strange in ["", "1", "1.2.3", "1.x"] {
            assert_eq!(ContentHash::parse(strange), None, "{strange}");
        }
    }
}
