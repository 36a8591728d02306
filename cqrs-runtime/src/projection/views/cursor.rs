//! Where a page begins or ends, as an opaque text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use cqrs_core::column::{ColumnKind, Value};
use cqrs_core::fnv::{START, fnv1a};
use cqrs_core::view::Place;

/// A place in the answer of a search, from which [`Find::page`](crate::view::Find::page) goes on: opaque, a text in JSON and in URLs.
///
/// It stays valid while rows come and go, including the row that it was made from, and in later versions of the program, as long as
/// the search has the same order. It contains the values that its row was sorted by, readable to anyone who decodes it. A forged one
/// leads to another place of the same search, never to rows that the search does not find.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    /// The view and the order that it belongs to.
    order: u64,
    /// Whether its page ends here, rather than begins.
    pub(super) backwards: bool,
    pub(super) place: Place,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor: pass a page's `next` or `previous` unchanged, or none for the first page")]
pub struct ParseCursorError;

/// The JSON inside.
#[derive(Serialize, Deserialize)]
struct Written(u64, bool, bool, String, Vec<Column>);

/// A value, so that each number comes back as it was.
#[derive(Serialize, Deserialize)]
enum Column {
    N,
    B(bool),
    I(i64),
    /// Its bits.
    R(u64),
    T(String),
}

impl Cursor {
    pub(super) fn new(order: u64, backwards: bool, place: Place) -> Self {
        Self { order, backwards, place }
    }

    pub(super) fn is_of(&self, order: u64) -> bool {
        self.order == order
    }

    /// Whether its values are of these kinds.
    pub(super) fn fits(&self, kinds: &[ColumnKind]) -> bool {
        let one = |(value, kind): (&Value, &ColumnKind)| match value {
            Value::Null => true,
            Value::Bool(_) => *kind == ColumnKind::Bool,
            Value::Integer(_) => *kind == ColumnKind::Integer,
            Value::Real(_) => *kind == ColumnKind::Real,
            Value::Text(_) => *kind == ColumnKind::Text,
        };
        self.place.values.len() == kinds.len() && self.place.values.iter().zip(kinds).all(one)
    }
}

/// The number of an order of a view's rows.
pub(super) fn order_of(view: &str, order: &[(&'static str, bool)]) -> u64 {
    let mut hash = fnv1a(START, view.as_bytes());
    for (index, descending) in order {
        hash = fnv1a(fnv1a(hash, index.as_bytes()), if *descending { b"\0desc\0" } else { b"\0asc\0" });
    }
    hash
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = |value: &Value| match value {
            Value::Null => Column::N,
            Value::Bool(value) => Column::B(*value),
            Value::Integer(value) => Column::I(*value),
            Value::Real(value) => Column::R(value.to_bits()),
            Value::Text(value) => Column::T(value.clone()),
        };
        let Place { values, key, inclusive } = &self.place;
        let values = values.iter().map(column).collect();
        let written = serde_json::to_string(&Written(self.order, self.backwards, *inclusive, key.clone(), values));
        written.map_err(|_| fmt::Error)?.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(ParseCursorError);
        let byte = |pair: &[u8]| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).map_err(|_| ParseCursorError),
            _ => Err(ParseCursorError),
        };
        let json = text.as_bytes().chunks(2).map(byte).collect::<Result<Vec<u8>, _>>()?;
        let Written(order, backwards, inclusive, key, values) =
            serde_json::from_slice(&json).map_err(|_| ParseCursorError)?;
        let value = |column| match column {
            Column::N => Value::Null,
            Column::B(value) => Value::Bool(value),
            Column::I(value) => Value::Integer(value),
            Column::R(bits) => Value::Real(f64::from_bits(bits)),
            Column::T(value) => Value::Text(value),
        };
        let values: Vec<Value> = values.into_iter().map(value).collect();
        // No row has one.
        if values.iter().any(|value| *value != Value::Null && value.is_storable_null()) {
            return Err(ParseCursorError);
        }
        Ok(Self { order, backwards, place: Place { values, key, inclusive } })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back() {
        let values = vec![
            Value::Null,
            Value::Bool(true),
            Value::Integer(i64::MIN),
            Value::Real(0.1 + 0.2),
            Value::Text("a\0 \"é\u{10FFFF}".into()),
        ];
        for (backwards, inclusive) in [(false, false), (true, true)] {
            let place = Place { values: values.clone(), key: "[\"a\",\"b\"]".into(), inclusive };
            let cursor = Cursor::new(u64::MAX, backwards, place);
            assert_eq!(cursor.to_string().parse(), Ok(cursor.clone()));
            let json = serde_json::to_string(&cursor).expect("a text");
            assert_eq!(serde_json::from_str::<Cursor>(&json).expect("a cursor"), cursor);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let nan =
            Cursor::new(1, false, Place { values: vec![Value::Real(f64::NAN)], key: String::new(), inclusive: false });
        for text in ["", "5", "5b", "zz", "é", "5b5d", "+1+2", &nan.to_string()] {
            assert_eq!(text.parse::<Cursor>(), Err(ParseCursorError), "{text}");
        }
    }

    #[test]
    fn orders_differ_in_view_fields_and_directions() {
        let orders = [
            order_of("A", &[]),
            order_of("B", &[]),
            order_of("A", &[("x", false)]),
            order_of("A", &[("x", true)]),
            order_of("A", &[("x", true), ("y", true)]),
            order_of("A", &[("y", true), ("x", true)]),
        ];
        let different: std::collections::HashSet<_> = orders.iter().collect();
        assert_eq!(different.len(), orders.len());
    }
}
