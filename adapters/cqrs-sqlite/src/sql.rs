//! SQL text and its parameters.

use std::rc::Rc;

use cqrs_core::view;
use rusqlite::types::{ToSql, ToSqlOutput, Value};

/// A parameter of a statement. It can be sent to another thread, which rusqlite's own arrays
/// cannot.
#[derive(Clone, Debug)]
pub(crate) enum Parameter {
    One(Value),
    /// For `rarray(?)`.
    Many(Vec<Value>),
}

impl Parameter {
    pub(crate) fn text(text: &str) -> Self {
        Self::One(Value::Text(text.to_owned()))
    }

    pub(crate) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Many(texts.into_iter().map(|text| Value::Text(text.to_owned())).collect())
    }

    pub(crate) fn integer(number: i64) -> Self {
        Self::One(Value::Integer(number))
    }
}

/// Converts parameters for rusqlite.
pub(crate) fn bound(parameters: impl IntoIterator<Item = Parameter>) -> Vec<Bound> {
    parameters
        .into_iter()
        .map(|parameter| match parameter {
            Parameter::One(value) => Bound::One(value),
            Parameter::Many(values) => Bound::Many(Rc::new(values)),
        })
        .collect()
}

pub(crate) enum Bound {
    One(Value),
    Many(rusqlite::vtab::array::Array),
}

impl ToSql for Bound {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::One(value) => value.to_sql(),
            Self::Many(values) => values.to_sql(),
        }
    }
}

/// A statement under construction, and its parameters so far.
#[derive(Default)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) parameters: Vec<Parameter>,
}

impl Sql {
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a parameter, and its `?`.
    pub(crate) fn bind(&mut self, parameter: Parameter) -> &mut Self {
        self.parameters.push(parameter);
        self.text.push('?');
        self.text.push_str(&self.parameters.len().to_string());
        self
    }
}

/// Quotes a name for SQL.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A position as a column stores it, limited to the largest number that it can store.
pub(crate) fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A value as a column stores it. NaN is stored as null.
pub(crate) fn column_value(value: &view::Value) -> Value {
    match value {
        view::Value::Null => Value::Null,
        view::Value::Bool(value) => Value::Integer(i64::from(*value)),
        view::Value::Integer(value) => Value::Integer(*value),
        view::Value::Real(value) if value.is_nan() => Value::Null,
        view::Value::Real(value) => Value::Real(*value),
        view::Value::Text(value) => Value::Text(value.clone()),
    }
}
