//! Identifiers of entities, and the tags of events.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::column::{Column, ColumnKind, FromColumn, Key, Value};

/// The identifier of one kind of entity: a newtype with `#[derive(Id)]`.
///
/// ```
/// use cqrs_runtime::prelude::*;
///
/// #[derive(Id)]
/// pub struct OrderId(Uuid);
///
/// let order = OrderId::new();
/// assert_eq!(order.to_string().parse(), Ok(order));
/// assert_eq!(order.tag().as_str(), format!("order:{order}"));
/// ```
#[diagnostic::on_unimplemented(
    message = "[CQRS106] `{Self}` is no identifier",
    label = "not an `Id`",
    note = "an identifier names one entity: a newtype of its own keeps an order's from being taken for a customer's",
    note = "write `#[derive(Id)] pub struct ...Id(Uuid);` and use that type here",
    note = "see: cqrs_runtime::rules#cqrs106"
)]
pub trait Id:
    Clone + Eq + Ord + Hash + fmt::Debug + fmt::Display + FromStr + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The prefix of this identifier's tags, before the colon: `order` for `OrderId`.
    const PREFIX: &'static str;

    /// The column type in a view's index.
    const COLUMN: ColumnKind;

    /// This identifier as a value in a view's index.
    fn to_value(&self) -> Value;

    /// The tag of events about this entity.
    fn tag(&self) -> Tag {
        // With room for the text of a `Uuid`.
        let mut text = String::with_capacity(Self::PREFIX.len() + 1 + 36);
        write!(text, "{}:{self}", Self::PREFIX).expect("a `String` can be written to");
        Tag(text.into())
    }
}

#[diagnostic::do_not_recommend]
impl<I: Id> Column for I {
    const KIND: ColumnKind = I::COLUMN;
    fn to_value(&self) -> Value {
        Id::to_value(self)
    }
}

#[diagnostic::do_not_recommend]
impl<I: Id> FromColumn for I {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => text.parse().ok(),
            Value::Integer(number) => number.to_string().parse().ok(),
            Value::Bool(value) => value.to_string().parse().ok(),
            Value::Real(_) | Value::Null => None,
        }
    }
}

#[diagnostic::do_not_recommend]
impl<I: Id> Key for I {
    const PREFIX: Option<&'static str> = Some(I::PREFIX);
    fn to_key(&self) -> String {
        self.to_string()
    }
}

/// A type that an identifier may hold. `#[derive(Id)]` uses only this trait, so that a type that lacks something gives one
/// error.
#[diagnostic::on_unimplemented(
    message = "[CQRS106] `{Self}` cannot be the value of an identifier",
    label = "cannot name an entity",
    note = "an identifier is a tag's text, a view's column and a part of messages, and is compared and copied by its value",
    note = "hold a `Uuid`, a `String` or a whole number; another type must be `Clone + Ord + Hash + Display + FromStr` (its \
            error `Display`), `Serialize + DeserializeOwned`, `Send + Sync + 'static` and a `Column`",
    note = "see: cqrs_runtime::rules#cqrs106"
)]
pub trait IdValue: Sized {
    /// See [`Column::KIND`].
    const KIND: ColumnKind;
    /// See [`Column::to_value`].
    fn to_value(&self) -> Value;
    /// See [`Clone::clone`].
    #[must_use]
    fn cloned(&self) -> Self;
    /// See [`Ord::cmp`].
    fn order(&self, other: &Self) -> Ordering;
    /// See [`Hash::hash`].
    fn add_to_hash<S: Hasher>(&self, state: &mut S);
    /// See [`fmt::Display::fmt`].
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    /// See [`FromStr::from_str`]. `kind` is the kind of entity.
    ///
    /// # Errors
    /// The text is not such a value.
    fn parse(kind: &'static str, text: &str) -> Result<Self, ParseIdError>;
    /// See [`Serialize::serialize`].
    ///
    /// # Errors
    /// As for [`Serialize::serialize`].
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
    /// See [`Deserialize::deserialize`].
    ///
    /// # Errors
    /// As for [`Deserialize::deserialize`].
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

#[diagnostic::do_not_recommend]
impl<T> IdValue for T
where
    T: Column + Clone + Ord + Hash + fmt::Display + FromStr<Err: fmt::Display>,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    const KIND: ColumnKind = <T as Column>::KIND;
    fn to_value(&self) -> Value {
        Column::to_value(self)
    }
    fn cloned(&self) -> Self {
        self.clone()
    }
    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
    fn add_to_hash<S: Hasher>(&self, state: &mut S) {
        self.hash(state);
    }
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt(f)
    }
    fn parse(kind: &'static str, text: &str) -> Result<Self, ParseIdError> {
        text.parse().map_err(|error| ParseIdError::new(kind, text, error))
    }
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.serialize(to)
    }
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::deserialize(from)
    }
}

/// A tag, by which events are found: `order:0192…`. The events with one tag are an aggregate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tag(std::sync::Arc<str>);

impl Tag {
    /// A tag from its stored text.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The whole text, prefix and identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first colon.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.0.split_once(':').map_or("", |(prefix, _)| prefix)
    }

    /// The part after the first colon.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.split_once(':').map_or(&*self.0, |(_, id)| id)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The type of a `#[tag]` field: an [`Id`], or an `Option` or `Vec` of one.
#[diagnostic::on_unimplemented(
    message = "[CQRS106] a `#[tag]` of type `{Self}` names no entity",
    label = "not an `Id`, nor an `Option` or `Vec` of one",
    note = "events are found by the entities that they are about, and an entity is named by its `Id`",
    note = "if `{Self}` names an entity, derive `Id` for it, and nothing else: `#[derive(Id)]`; otherwise take `#[tag]` away",
    note = "see: cqrs_runtime::rules#cqrs106"
)]
pub trait TagField {
    /// The identifier inside.
    type Id: Id;
    /// The prefix of its tags.
    #[doc(hidden)]
    const PREFIX: &'static str = <Self::Id as Id>::PREFIX;
    /// Adds this field's tags.
    fn add_tags(&self, tags: &mut Vec<Tag>);
}

#[diagnostic::do_not_recommend]
impl<I: Id> TagField for I {
    type Id = I;
    fn add_tags(&self, tags: &mut Vec<Tag>) {
        tags.push(self.tag());
    }
}

impl<I: Id> TagField for Option<I> {
    type Id = I;
    fn add_tags(&self, tags: &mut Vec<Tag>) {
        tags.extend(self.iter().map(Id::tag));
    }
}

impl<I: Id> TagField for Vec<I> {
    type Id = I;
    fn add_tags(&self, tags: &mut Vec<Tag>) {
        tags.extend(self.iter().map(Id::tag));
    }
}

/// A text that is not a valid identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind} id: {reason}")]
pub struct ParseIdError {
    kind: &'static str,
    text: String,
    reason: String,
}

impl ParseIdError {
    /// The error that `text` is not a valid `kind` identifier.
    pub fn new(kind: &'static str, text: &str, reason: impl fmt::Display) -> Self {
        Self { kind, text: text.to_owned(), reason: reason.to_string() }
    }
}

/// A type that a command may return: nothing, the [`Id`] of what it created, or a tuple of ids.
#[diagnostic::on_unimplemented(
    message = "[CQRS102] a command may not return `{Self}`",
    label = "neither `()`, an id, nor a tuple of ids",
    note = "a command changes state; data is asked for by a query",
    note = "return the id of what was made (`#[derive(Id)]`), and let the caller ask a query for the rest",
    note = "see: cqrs_runtime::rules#cqrs102"
)]
pub trait CommandReturns: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl CommandReturns for () {}
#[diagnostic::do_not_recommend]
impl<I: Id> CommandReturns for I {}

macro_rules! tuples_of_ids {
    ($(($($id:ident)+))+) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($id: Id),+> CommandReturns for ($($id,)+) {}
    )+};
}
tuples_of_ids! { (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }
