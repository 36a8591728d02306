//! Rows, and marks of removed rows, as documents.

use cqrs_core::log::Position;
use cqrs_core::view::{IndexShape, Removed, Row, Value, ViewShape};
use mongodb::bson::{Bson, DateTime, Document, doc};

use crate::document;

/// The field that only rows have, and the one that only marks have.
pub(crate) const DOCUMENT: &str = "document";
pub(crate) const FORGET: &str = "forget";

/// The field of an index.
pub(crate) fn indexed(name: &str) -> String {
    format!("indexes.{name}")
}

/// A position as a number, which the server compares.
pub(crate) fn position(position: Position) -> i64 {
    i64::try_from(position.get()).unwrap_or(i64::MAX)
}

/// Decodes a position.
pub(crate) fn decoded_position(stored: i64) -> Option<Position> {
    u64::try_from(stored).ok().map(Position::new)
}

/// A value of an index. NaN is stored as null.
pub(crate) fn value(value: &Value) -> Bson {
    match value {
        Value::Bool(value) => Bson::Boolean(*value),
        Value::Integer(value) => Bson::Int64(*value),
        Value::Real(value) if !value.is_nan() => Bson::Double(*value),
        Value::Text(value) => Bson::String(value.clone()),
        Value::Null | Value::Real(_) => Bson::Null,
    }
}

fn decoded_value(stored: &Bson) -> Option<Value> {
    Some(match stored {
        Bson::Null => Value::Null,
        Bson::Boolean(value) => Value::Bool(*value),
        Bson::Int64(value) => Value::Integer(*value),
        Bson::Double(value) => Value::Real(*value),
        Bson::String(value) => Value::Text(value.clone()),
        _ => return None,
    })
}

/// Encodes a row.
pub(crate) fn row(shape: &ViewShape, row: &Row) -> Document {
    let named = |(index, stored): (&IndexShape, &Value)| (index.name.to_owned(), value(stored));
    let several = |(index, stored): (&IndexShape, &Vec<Value>)| {
        (index.name.to_owned(), Bson::Array(stored.iter().map(value).collect()))
    };
    let single = shape.indexes.iter().zip(&row.indexes).map(named);
    let indexes: Document = single.chain(shape.multi_indexes.iter().zip(&row.multi_values).map(several)).collect();
    doc! {
        "_id": &row.key,
        "position": position(row.position),
        "indexes": indexes,
        DOCUMENT: document::stored(&row.document),
    }
}

/// Decodes a row.
pub(crate) fn decoded(shape: &ViewShape, mut stored: Document) -> Option<Row> {
    let key = text(stored.remove("_id")?)?;
    let document = document::json(&stored.remove(DOCUMENT)?)?.into();
    let indexes = stored.get_document("indexes").ok()?;
    let indexes = shape.indexes.iter().map(|index| decoded_value(indexes.get(index.name)?)).collect::<Option<_>>()?;
    Some(Row {
        key,
        indexes,
        multi_values: Vec::new(),
        document,
        position: decoded_position(stored.get_i64("position").ok()?)?,
    })
}

/// Decodes a value of an index and the number of rows with it.
pub(crate) fn decoded_count(counted: &Document) -> Option<(Value, u64)> {
    let rows = match counted.get("rows")? {
        Bson::Int32(rows) => i64::from(*rows),
        Bson::Int64(rows) => *rows,
        _ => return None,
    };
    Some((decoded_value(counted.get("_id")?)?, u64::try_from(rows).ok()?))
}

/// The mark of a removed row, which may be deleted after `forget`.
pub(crate) fn mark(key: &str, at: Position, forget: DateTime) -> Document {
    doc! { "_id": key, "position": position(at), FORGET: forget }
}

/// Decodes a mark.
pub(crate) fn decoded_mark(mut stored: Document) -> Option<Removed> {
    let position = decoded_position(stored.get_i64("position").ok()?)?;
    Some(Removed { key: text(stored.remove("_id")?)?, position })
}

fn text(value: Bson) -> Option<String> {
    if let Bson::String(text) = value { Some(text) } else { None }
}
