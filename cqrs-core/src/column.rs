//! The stored form of a view's keys and indexes.

use std::cmp::Ordering;

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

    /// The order in which every store sorts values: [`Null`](Self::Null) first, texts byte by byte, `false` before `true`. Values
    /// of different kinds, which one index never has, are ordered by their kinds.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            _ if self.is_storable_null() || other.is_storable_null() => {
                other.is_storable_null().cmp(&self.is_storable_null())
            }
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Real(a), Self::Real(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => self.kind().cmp(&other.kind()),
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Integer(_) => 2,
            Self::Real(_) => 3,
            Self::Text(_) => 4,
        }
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
    note = "use an id, a text, a number, a bool, a `Uuid`, a `Timestamp` or a `Date` (or an `Option`, a `Vec`, a `BTreeSet` or a `HashSet` of one, under that name), or implement `Column` for `{Self}`",
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

/// A column whose values can be read back: what `Find::count_by`, `distinct`, `min` and `max` return.
///
/// Every built-in column and every id has it.
///
/// ```
/// use cqrs_runtime::view::{Column, ColumnKind, FromColumn, Value};
///
/// /// Cents.
/// #[derive(Debug, PartialEq)]
/// pub struct Money(i64);
///
/// impl Column for Money {
///     const KIND: ColumnKind = ColumnKind::Integer;
///     fn to_value(&self) -> Value {
///         Value::Integer(self.0)
///     }
/// }
///
/// impl FromColumn for Money {
///     fn from_value(value: Value) -> Option<Self> {
///         if let Value::Integer(cents) = value { Some(Self(cents)) } else { None }
///     }
/// }
///
/// assert_eq!(Money::from_value(Money(5).to_value()), Some(Money(5)));
/// ```
#[diagnostic::on_unimplemented(
    message = "[CQRS308] the values of an index of `{Self}` cannot be read back",
    label = "not `FromColumn`",
    note = "a search reads rows, but `count_by`, `distinct`, `min` and `max` read the index alone",
    note = "implement `FromColumn` for `{Self}`",
    note = "see: cqrs_runtime::rules#cqrs308"
)]
pub trait FromColumn: Column + Sized + 'static {
    /// The value that [`to_value`](Column::to_value) stored. `None` if it is not one of this type.
    fn from_value(value: Value) -> Option<Self>;
}

/// A column that can be added up: whole numbers up to 32 bits without a sign and 64 bits with one, `f32` and `f64`, and an `Option`
/// of one, which adds nothing where it is `None`.
///
/// ```
/// use cqrs_runtime::view::{Column, ColumnKind, Numeric, Value};
///
/// # /// Cents.
/// # #[derive(Debug, PartialEq)]
/// # pub struct Money(i64);
/// # impl Column for Money {
/// #     const KIND: ColumnKind = ColumnKind::Integer;
/// #     fn to_value(&self) -> Value {
/// #         Value::Integer(self.0)
/// #     }
/// # }
/// impl Numeric for Money {
///     type Sum = Money;
///     fn from_sum(sum: Value) -> Option<Money> {
///         if let Value::Integer(cents) = sum { Some(Money(cents)) } else { None }
///     }
/// }
/// assert_eq!(Money::from_sum(Value::Integer(7)), Some(Money(7)));
/// ```
#[diagnostic::on_unimplemented(
    message = "[CQRS308] an index of `{Self}` cannot be added up",
    label = "not `Numeric`",
    note = "the store adds the values of the index up: they must be numbers of at most 64 bits with a sign",
    note = "use an index of a number, or implement `Numeric` for `{Self}`; `u64` is stored as a text, use `i64` or `u32`",
    note = "see: cqrs_runtime::rules#cqrs308"
)]
pub trait Numeric: Column + 'static {
    /// The type of a sum.
    type Sum: 'static;
    /// The sum of [`Value::Integer`]s or [`Value::Real`]s, which is one of its kind, `0` where there is no value. `None` if it is of
    /// another kind.
    fn from_sum(sum: Value) -> Option<Self::Sum>;
}

/// A column of texts: `String`, and `Option<String>`.
#[diagnostic::on_unimplemented(
    message = "[CQRS308] an index of `{Self}` has no prefixes",
    label = "not a text",
    note = "`starts_with` finds the texts that begin with a text",
    note = "use an index of `String`; ids and numbers are found by `eq`, `ge` and `lt`",
    note = "see: cqrs_runtime::rules#cqrs308"
)]
pub trait TextColumn: Column {}

impl TextColumn for String {}
impl TextColumn for Option<String> {}

impl<C: FromColumn> FromColumn for Option<C> {
    fn from_value(value: Value) -> Option<Self> {
        if value == Value::Null { Some(None) } else { C::from_value(value).map(Some) }
    }
}

impl<C: Numeric> Numeric for Option<C> {
    type Sum = C::Sum;
    fn from_sum(sum: Value) -> Option<C::Sum> {
        C::from_sum(sum)
    }
}

macro_rules! read_back {
    ($($type:ty: $kind:ident, |$value:ident| $expr:expr;)+) => {$(
        impl FromColumn for $type {
            fn from_value(value: Value) -> Option<Self> {
                if let Value::$kind($value) = value { $expr } else { None }
            }
        }
    )+};
}
read_back! {
    bool: Bool, |v| Some(v);
    i8: Integer, |v| v.try_into().ok();
    i16: Integer, |v| v.try_into().ok();
    i32: Integer, |v| v.try_into().ok();
    i64: Integer, |v| Some(v);
    u8: Integer, |v| v.try_into().ok();
    u16: Integer, |v| v.try_into().ok();
    u32: Integer, |v| v.try_into().ok();
    u64: Text, |v| v.parse().ok();
    f32: Real, |v| narrowed(v);
    f64: Real, |v| Some(v);
    String: Text, |v| Some(v);
    Uuid: Text, |v| v.parse().ok();
    Timestamp: Integer, |v| Timestamp::from_micros(v);
    Date: Text, |v| v.parse().ok();
}

/// The `f32` that was stored as this `f64`.
#[allow(clippy::cast_possible_truncation, reason = "it was an `f32`, and any other is refused")]
fn narrowed(value: f64) -> Option<f32> {
    let narrow = value as f32;
    (f64::from(narrow).total_cmp(&value) == Ordering::Equal).then_some(narrow)
}

macro_rules! numeric {
    ($($type:ty: $kind:ident -> $sum:ty;)+) => {$(
        impl Numeric for $type {
            type Sum = $sum;
            fn from_sum(sum: Value) -> Option<$sum> {
                if let Value::$kind(sum) = sum { Some(sum) } else { None }
            }
        }
    )+};
}
numeric! {
    i8: Integer -> i64;
    i16: Integer -> i64;
    i32: Integer -> i64;
    i64: Integer -> i64;
    u8: Integer -> i64;
    u16: Integer -> i64;
    u32: Integer -> i64;
    f32: Real -> f64;
    f64: Real -> f64;
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
