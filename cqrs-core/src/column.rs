//! The stored form of a view's keys and indexes.

use uuid::Uuid;

use crate::time::{Date, Timestamp};

/// The value of an index, which every store can hold in a separate column, compare and sort.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Value {
    /// No value (`None`). Sorts before every other, and equals only itself.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Real(f64),
    /// A text, compared byte by byte.
    Text(String),
}

impl Value {
    /// Whether it is stored as null: [`Null`](Self::Null), and NaN. Some databases can hold NaN, but treat it as equal to itself and
    /// as the greatest value.
    #[must_use]
    pub fn is_storable_null(&self) -> bool {
        matches!(self, Self::Null) || matches!(self, Self::Real(value) if value.is_nan())
    }
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// [`Value::Bool`]
    Bool,
    /// [`Value::Integer`]
    Integer,
    /// [`Value::Real`]
    Real,
    /// [`Value::Text`]
    Text,
}

/// A type that an `#[index]` field may have.
///
/// ```
/// use cqrs_runtime::view::{Column, ColumnKind, Value};
///
/// /// Cents.
/// pub struct Money(i64);
///
/// impl Column for Money {
///     const KIND: ColumnKind = ColumnKind::Integer;
///     fn to_value(&self) -> Value {
///         Value::Integer(self.0)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "[CQRS506] a field of type `{Self}` cannot be an index",
    label = "cannot be stored as one column",
    note = "an index is a column of the read database, so that views can be searched and sorted by it",
    note = "use an id, a text, a number, a bool, a `Uuid`, a `Timestamp` or a `Date` (or an `Option` of one), or implement `Column` for `{Self}`",
    note = "see: cqrs_runtime::rules#cqrs506"
)]
pub trait Column {
    /// The type of column. Every value of the type has it, or is [`Value::Null`].
    const KIND: ColumnKind;
    /// The value to store. Equal values must be stored equal, and sort in the database as they should.
    fn to_value(&self) -> Value;
}

/// A type that a `#[key]` field may have: its text identifies one row.
#[diagnostic::on_unimplemented(
    message = "[CQRS505] a field of type `{Self}` cannot be a view's key",
    label = "cannot name a row",
    note = "the key finds the one row that an event is about",
    note = "use an id, a text, a whole number, a bool, a `Uuid`, a `Timestamp` or a `Date`, or a tuple of these; if `{Self}` names an entity, make it an id: `#[derive(Id)]`",
    note = "see: cqrs_runtime::rules#cqrs505"
)]
pub trait Key: Clone + Send + Sync + 'static {
    /// The prefix of the tags with such keys, if it is an identifier.
    const PREFIX: Option<&'static str> = None;
    /// The stored text of the key. Two keys are equal exactly if their texts are.
    fn to_key(&self) -> String;
}

impl<C: Column> Column for Option<C> {
    const KIND: ColumnKind = C::KIND;
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, Column::to_value)
    }
}

macro_rules! columns {
    ($($type:ty: $kind:ident, |$value:ident| $expr:expr;)+) => {$(
        impl Column for $type {
            const KIND: ColumnKind = ColumnKind::$kind;
            fn to_value(&self) -> Value {
                let $value = self;
                Value::$kind($expr)
            }
        }
    )+};
}
columns! {
    bool: Bool, |v| *v;
    i8: Integer, |v| i64::from(*v);
    i16: Integer, |v| i64::from(*v);
    i32: Integer, |v| i64::from(*v);
    i64: Integer, |v| *v;
    u8: Integer, |v| i64::from(*v);
    u16: Integer, |v| i64::from(*v);
    u32: Integer, |v| i64::from(*v);
    // Too large for a signed column. As twenty digits, texts sort like the numbers.
    u64: Text, |v| format!("{v:020}");
    f32: Real, |v| f64::from(*v);
    f64: Real, |v| *v;
    String: Text, |v| v.clone();
    Uuid: Text, |v| v.to_string();
    Timestamp: Integer, |v| v.as_micros();
    Date: Text, |v| v.to_string();
}

macro_rules! keys {
    ($($type:ty)+) => {$(
        impl Key for $type {
            fn to_key(&self) -> String {
                self.to_string()
            }
        }
    )+};
}
keys! { bool i8 i16 i32 i64 u8 u16 u32 u64 String Uuid Timestamp Date }

macro_rules! tuple_keys {
    ($(($($part:ident)+))+) => {$(
        impl<$($part: Key),+> Key for ($($part,)+) {
            // A JSON array, so that no text inside a part looks like the border of two parts.
            #[allow(non_snake_case, reason = "a field is named like its type")]
            fn to_key(&self) -> String {
                let ($($part,)+) = self;
                serde_json::json!([$($part.to_key()),+]).to_string()
            }
        }
    )+};
}
tuple_keys! { (A B) (A B C) (A B C D) }
