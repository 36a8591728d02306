//! Pieces of SQL, and what is bound to them.

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, accepts, to_sql_checked};

/// What is bound to a `$1` of a statement.
pub(crate) type Parameter = Box<dyn ToSql + Send + Sync>;

/// A statement that is being written, and its parameters so far.
#[derive(Default)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) parameters: Vec<(Parameter, Type)>,
    /// Whether the text is one of many, and so not worth keeping prepared. PostgreSQL then also plans it for the very values.
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

    /// Adds a parameter whose place stands in the text already.
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
        let micros = self.0.checked_sub(EPOCH).ok_or("a time beyond what PostgreSQL can hold")?;
        micros.to_sql(kind, out)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> tokio_postgres::types::FromSql<'a> for Micros {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let micros = i64::from_sql(kind, raw)?;
        Ok(Self(micros.checked_add(EPOCH).ok_or("a time beyond the calendar")?))
    }

    accepts!(TIMESTAMPTZ);
}
