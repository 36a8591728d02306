//! SQL text and its parameters.

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, accepts, to_sql_checked};

/// A parameter of a statement.
pub(crate) type Parameter = Box<dyn ToSql + Send + Sync>;

/// A statement under construction, and its parameters so far.
#[derive(Default)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) parameters: Vec<(Parameter, Type)>,
    /// Whether the text is rarely used again: then it is not kept prepared, and PostgreSQL plans it
    /// for these values.
    pub(crate) once: bool,
}

impl Sql {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a parameter, and its `$1`.
    pub(crate) fn bind(&mut self, parameter: impl ToSql + Send + Sync + 'static, kind: Type) -> &mut Self {
        self.parameters.push((Box::new(parameter), kind));
        self.text.push('$');
        self.text.push_str(&self.parameters.len().to_string());
        self
    }

    /// Adds a parameter whose `$1` is already in the text.
    pub(crate) fn with(mut self, parameter: impl ToSql + Send + Sync + 'static, kind: Type) -> Self {
        self.parameters.push((Box::new(parameter), kind));
        self
    }
}

/// Microseconds since 1970 as a `timestamptz`, which counts from 2000.
#[derive(Debug)]
pub(crate) struct Micros(pub(crate) i64);

/// 2000-01-01 in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

impl ToSql for Micros {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        let micros = self.0.checked_sub(EPOCH).ok_or("the time is out of PostgreSQL's range")?;
        micros.to_sql(kind, out)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> tokio_postgres::types::FromSql<'a> for Micros {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let micros = i64::from_sql(kind, raw)?;
        Ok(Self(micros.checked_add(EPOCH).ok_or("the time is out of range")?))
    }

    accepts!(TIMESTAMPTZ);
}
