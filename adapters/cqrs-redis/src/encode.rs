//! Encodes values and positions as bytes that sort in the same order.

use cqrs_core::Uuid;
use cqrs_core::log::Position;
use cqrs_core::view::{Checkpoint, Row, Value, ViewShape};

/// The ends of an index.
pub(crate) const LEAST: &[u8] = b"-";
pub(crate) const GREATEST: &[u8] = b"+";

const NULL: u8 = 1;
const BOOL: u8 = 2;
const INTEGER: u8 = 3;
const REAL: u8 = 4;
const TEXT: u8 = 5;

/// A value in an index, before the key. NaN is stored as null.
pub(crate) fn value(value: &Value) -> Vec<u8> {
    match value {
        Value::Bool(value) => vec![BOOL, u8::from(*value)],
        Value::Integer(value) => with_kind(INTEGER, value.cast_unsigned() ^ (1 << 63)),
        Value::Real(value) if !value.is_nan() => {
            // The two zeros are equal.
            let bits = if *value == 0.0 { 0 } else { value.to_bits() };
            with_kind(REAL, if bits >> 63 == 1 { !bits } else { bits | (1 << 63) })
        }
        Value::Text(value) => {
            let mut bytes = Vec::with_capacity(value.len() + 3);
            bytes.push(TEXT);
            for byte in value.bytes() {
                bytes.push(byte);
                if byte == 0 {
                    bytes.push(0xFF);
                }
            }
            bytes.extend([0, 0]);
            bytes
        }
        Value::Null | Value::Real(_) => vec![NULL],
    }
}

/// The values of a multi-valued index: each after its length.
pub(crate) fn values(values: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for encoded in values.iter().map(value) {
        bytes.extend(encoded.len().to_string().bytes().chain([b':']).chain(encoded));
    }
    bytes
}

/// The value of a compound index: the values of its fields, one after the other.
pub(crate) fn compound(shape: &ViewShape, row: &Row, fields: &[&str]) -> Vec<u8> {
    let of = |field: &&str| shape.index(field).map_or(&Value::Null, |place| &row.indexes[place]);
    fields.iter().flat_map(|field| value(of(field))).collect()
}

fn with_kind(kind: u8, bits: u64) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(bits.to_be_bytes());
    bytes
}

/// Decodes a value in an index.
pub(crate) fn decoded(bytes: &[u8]) -> Option<Value> {
    let bits = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_be_bytes);
    Some(match bytes.split_first()? {
        (&NULL, []) => Value::Null,
        (&BOOL, [value]) => Value::Bool(*value != 0),
        (&INTEGER, rest) => Value::Integer((bits(rest)? ^ (1 << 63)).cast_signed()),
        (&REAL, rest) => {
            let bits = bits(rest)?;
            Value::Real(f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits }))
        }
        (&TEXT, rest) => {
            let mut text = Vec::with_capacity(rest.len());
            let mut rest = rest.strip_suffix(&[0, 0])?.iter();
            while let Some(&byte) = rest.next() {
                text.push(byte);
                if byte == 0 {
                    rest.next();
                }
            }
            Value::Text(String::from_utf8(text).ok()?)
        }
        _ => return None,
    })
}

/// The inclusive lower bound of a range, at this value.
pub(crate) fn from(value: &[u8]) -> Vec<u8> {
    [b"[", value].concat()
}

/// An exclusive bound of a range, at this value.
pub(crate) fn before(value: &[u8]) -> Vec<u8> {
    [b"(", value].concat()
}

/// The lowest bytes that follow all those with this prefix.
pub(crate) fn after(value: &[u8]) -> Vec<u8> {
    let mut bytes = value.to_vec();
    while bytes.pop_if(|byte| *byte == u8::MAX).is_some() {}
    if let Some(last) = bytes.last_mut() {
        *last += 1;
    }
    bytes
}

/// The lowest value of an index that is not `Null`.
pub(crate) fn first() -> Vec<u8> {
    vec![NULL + 1]
}

/// A position with a fixed number of digits.
pub(crate) fn position(position: Position) -> String {
    format!("{:020}", position.get())
}

/// A fingerprint as 16 digits.
pub(crate) fn fingerprint(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

/// `position:fingerprint`, or `position:fingerprint:event`
pub(crate) fn checkpoint(checkpoint: &Checkpoint) -> String {
    let event = checkpoint.event.map(|event| format!(":{}", event.simple())).unwrap_or_default();
    format!("{}:{}{event}", position(checkpoint.position), fingerprint(checkpoint.fingerprint))
}

/// Decodes a checkpoint.
pub(crate) fn decoded_checkpoint(text: &str) -> Option<Checkpoint> {
    let mut fields = text.splitn(3, ':');
    let position = Position::new(fields.next()?.parse().ok()?);
    let fingerprint = u64::from_str_radix(fields.next()?, 16).ok()?;
    let event = fields.next().map(Uuid::parse_str).transpose().ok()?;
    Some(Checkpoint { position, event, fingerprint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_values_decode_and_sort_like_the_values() {
        let text = |text: &str| Value::Text(text.into());
        let kinds = [
            vec![Value::Null, Value::Bool(false), Value::Bool(true)],
            [i64::MIN, -1, 0, 1, i64::MAX].map(Value::Integer).to_vec(),
            [f64::NEG_INFINITY, -1.5, -f64::MIN_POSITIVE, 0.0, 1.0, f64::INFINITY].map(Value::Real).to_vec(),
            vec![text(""), text("\0"), text("\0\0"), text("\0a"), text("a"), text("a\0"), text("a\u{1}"), text("ab")],
        ];
        for values in kinds {
            let encoded: Vec<_> = values.iter().map(value).collect();
            assert!(encoded.is_sorted(), "{values:?} are {encoded:?}");
            for (value, bytes) in values.iter().zip(&encoded) {
                assert_eq!(decoded(bytes).as_ref(), Some(value));
            }
        }
        assert_eq!(value(&Value::Real(-0.0)), value(&Value::Real(0.0)));
        assert_eq!(value(&Value::Real(f64::NAN)), value(&Value::Null));
    }

    #[test]
    fn the_bytes_after_a_prefix_are_greater_than_all_with_the_prefix() {
        assert_eq!(after(&[3, 7]), [3, 8]);
        assert_eq!(after(&[3, 0xFF, 0xFF]), [4]);
    }

    #[test]
    fn checkpoints_come_back() {
        for event in [None, Some(Uuid::max())] {
            let checkpoint = Checkpoint { position: Position::MAX, event, fingerprint: u64::MAX };
            assert_eq!(decoded_checkpoint(&super::checkpoint(&checkpoint)), Some(checkpoint));
        }
        assert_eq!(decoded_checkpoint("1"), None);
    }
}
