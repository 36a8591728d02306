//! Typed conditions and orders over a view's indexes.

use std::marker::PhantomData;

use crate::column::{Column, TextColumn, Value};
use crate::debug::opaque_debug;
use crate::view::store::Filter;

/// An indexed field of view `V`: the constants that `#[derive(View)]` makes (`OrderSummary::CUSTOMER`).
pub struct Index<V, T> {
    name: &'static str,
    types: PhantomData<fn() -> (V, T)>,
}

/// What [`Index`] holds of a row.
#[derive(Debug)]
pub struct OneValue;

impl<V, T> Clone for Index<V, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V, T> Copy for Index<V, T> {}

impl<V, T> std::fmt::Debug for Index<V, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Index").field(&self.name).finish()
    }
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What rows are found by: an index, as opposed to a field without one.
#[diagnostic::on_unimplemented(
    message = "[CQRS308] this field has no index of type `{T}`, so rows cannot be found by it",
    label = "not an index of `{T}`",
    note = "without an index the read database would scan every row",
    note = "mark the view's field `#[index]`; `#[by(index = expr)]` gives a value of its type",
    note = "see: cqrs_runtime::rules#cqrs308"
)]
pub trait IndexOf<V, T> {
    /// The index.
    fn index(self) -> Index<V, T>;
}

impl<V, T> IndexOf<V, T> for Index<V, T> {
    fn index(self) -> Self {
        self
    }
}

/// What rows are counted, listed or added up by: an index, as opposed to a field without one.
#[diagnostic::on_unimplemented(
    message = "[CQRS308] this field has no index, so its values cannot be counted, listed or added up",
    label = "not marked `#[index]`",
    note = "without an index the read database would scan every row",
    note = "mark the field `#[index]` in the view; its rows are then rebuilt at the next start",
    note = "see: cqrs_runtime::rules#cqrs308"
)]
pub trait IndexedBy<V> {
    /// The type of its values.
    type Value;
    /// Whether a row has one value or several.
    #[doc(hidden)]
    type Holds;
    /// The index.
    fn name(self) -> &'static str;
}

impl<V, T> IndexedBy<V> for Index<V, T> {
    type Value = T;
    type Holds = OneValue;
    fn name(self) -> &'static str {
        self.name
    }
}

/// A condition on the rows of view `V`.
#[derive(Clone, Debug)]
pub struct Condition<V> {
    filter: Filter,
    view: PhantomData<fn() -> V>,
}

impl<V> Condition<V> {
    pub(super) fn new(filter: Filter) -> Self {
        Self { filter, view: PhantomData }
    }

    /// Both this and the other.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::new(Filter::All(vec![self.filter, other.filter]))
    }

    /// As a store applies it.
    #[must_use]
    pub fn into_filter(self) -> Filter {
        self.filter
    }

    /// This, or the other, or both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::new(Filter::Any(vec![self.filter, other.filter]))
    }
}

/// What an index may be compared with: a value of its type, a `&str` or `&String` where it is a `String`, and a `T` where it is
/// an `Option<T>`.
#[diagnostic::on_unimplemented(
    message = "[CQRS308] an index of `{T}` is not compared with `{Self}`",
    label = "not `{T}`",
    note = "a column holds values of one type, and finds nothing by another",
    note = "give a value of the field's type; a text may be borrowed, and `Some(..)` left out",
    note = "see: cqrs_runtime::rules#cqrs308"
)]
pub trait IndexValue<T> {
    /// The value to compare with.
    fn into_value(self) -> Value;
}

#[diagnostic::do_not_recommend]
impl<T: Column> IndexValue<T> for T {
    fn into_value(self) -> Value {
        self.to_value()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Column> IndexValue<Option<T>> for T {
    fn into_value(self) -> Value {
        self.to_value()
    }
}

macro_rules! texts {
    ($($text:ty, $column:ty;)+) => {$(
        #[diagnostic::do_not_recommend]
        impl IndexValue<$column> for $text {
            fn into_value(self) -> Value {
                Value::Text(self.to_owned())
            }
        }
    )+};
}
texts! {
    &str, String;
    &str, Option<String>;
    &String, String;
    &String, Option<String>;
}

/// Methods that exist so that a call of one is refused with a reason: the bound has no implementation.
macro_rules! refused {
    ($bound:ident: $($method:ident($($value:ident)?) -> $result:ident;)+) => {$(
        #[doc(hidden)]
        #[allow(clippy::must_use_candidate, reason = "never callable")]
        pub fn $method(self $(, $value: impl Sized)?) -> $result<V> where Self: $bound {
            $(let _ = $value;)?
            unreachable!("the bound has no implementation")
        }
    )+};
}
pub(super) use refused;

macro_rules! comparisons {
    ($($(#[$doc:meta])+ $method:ident => $comparison:ident;)+) => {$(
        $(#[$doc])+
        #[must_use]
        pub fn $method(self, value: impl IndexValue<T>) -> Condition<V> {
            Condition::new(Filter::Compare(self.name, Comparison::$comparison, value.into_value()))
        }
    )+};
}

impl<V, T> Index<V, T> {
    /// Names an indexed field. Only `#[derive(View)]` has reason to, which has the field's type checked elsewhere.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, types: PhantomData }
    }
}

// Without a bound on the field's type: what cannot be a column is refused at the field, and not at each use as well.
impl<V, T> Index<V, T> {
    /// The field's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    comparisons! {
        /// Rows whose field equals `value`.
        eq => Equal;
        /// Rows whose field differs from `value`.
        ne => NotEqual;
        /// Rows whose field is less than `value`.
        lt => Less;
        /// Rows whose field is `value` or less.
        le => LessOrEqual;
        /// Rows whose field is greater than `value`.
        gt => Greater;
        /// Rows whose field is `value` or greater.
        ge => GreaterOrEqual;
    }

    /// Rows whose field equals one of `values`. None, if there are no values.
    #[must_use]
    pub fn one_of(self, values: impl IntoIterator<Item = T>) -> Condition<V>
    where
        T: Column,
    {
        Condition::new(Filter::OneOf(self.name, values.into_iter().map(|value| value.to_value()).collect()))
    }

    /// Rows whose field begins with a text. Capitals and small letters differ. With an empty text: every row whose field is not
    /// `None`.
    #[must_use]
    pub fn starts_with(self, text: &str) -> Condition<V>
    where
        T: TextColumn,
    {
        let from = || Filter::Compare(self.name, Comparison::GreaterOrEqual, Value::Text(text.to_owned()));
        Condition::new(match (text, after_prefix(text)) {
            ("", _) => Filter::Compare(self.name, Comparison::NotEqual, Value::Null),
            (_, None) => from(),
            (_, Some(end)) => Filter::All(vec![from(), Filter::Compare(self.name, Comparison::Less, Value::Text(end))]),
        })
    }

    refused! { Several:
        has(value) -> Condition;
        has_any(values) -> Condition;
    }

    /// From the least to the greatest. `None` is the least, in every store.
    #[must_use]
    pub fn asc(self) -> Order<V> {
        Order { index: self.name, descending: false, view: PhantomData }
    }

    /// From the greatest to the least. `None` is the least, so it comes last, in every store.
    #[must_use]
    pub fn desc(self) -> Order<V> {
        Order { index: self.name, descending: true, view: PhantomData }
    }
}

/// Never implemented: the bound that refuses to look for one of several values in an index of one.
#[diagnostic::on_unimplemented(
    message = "[CQRS308] this index holds one value of each row, which is compared by `eq`",
    label = "an index of one value",
    note = "`has` looks for a value among the several that a `Vec`, a `BTreeSet` or a `HashSet` holds",
    note = "write `.eq(value)` or `.one_of(values)`; a text that begins with another: `.starts_with(text)`",
    note = "see: cqrs_runtime::rules#cqrs308"
)]
pub trait Several {}

/// The least text that is greater than every text with this prefix. `None` if there is no such text.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The order of texts is that of their characters' numbers. A range of characters leaves out what is none.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// An order of the rows of view `V`.
#[derive(Debug)]
pub struct Order<V> {
    index: &'static str,
    descending: bool,
    view: PhantomData<fn() -> V>,
}

impl<V> Order<V> {
    /// The name of the index that rows are sorted by.
    #[must_use]
    pub fn index(self) -> &'static str {
        self.index
    }

    /// Whether the greatest comes first.
    #[must_use]
    pub fn is_descending(self) -> bool {
        self.descending
    }
}

impl<V> Clone for Order<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Order<V> {}

/// A field that has no index: the constant that `#[derive(View)]` makes so that a search by it is refused with a reason.
pub struct Unindexed<V>(PhantomData<fn() -> V>);

opaque_debug!([V] Unindexed<V>);

/// Never implemented: the bound that refuses a search by a field without an index.
#[diagnostic::on_unimplemented(
    message = "[CQRS308] this field has no index, so views cannot be found or sorted by it",
    label = "not marked `#[index]`",
    note = "without an index the read database would scan every row",
    note = "mark the field `#[index]` in the view; its stored rows are then folded again at the next start",
    note = "see: cqrs_runtime::rules#cqrs308"
)]
pub trait Indexed {}

/// The key's field: a constant too, so that a search by it says how a row is got.
pub struct KeyField<V>(PhantomData<fn() -> V>);

opaque_debug!([V] KeyField<V>);

/// Never implemented: the bound that refuses a search by the key.
#[diagnostic::on_unimplemented(
    message = "[CQRS308] this field is the view's key, and is no index to find or sort by",
    label = "the key",
    note = "the key names one row, which is got and not searched",
    note = "write `views.get(key)`; to search and sort by it all the same, mark the field `#[index]` as well as `#[key]`",
    note = "see: cqrs_runtime::rules#cqrs308"
)]
pub trait IndexedKey {}

impl<V> Unindexed<V> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }

    refused! { Indexed:
        has(value) -> Condition;
        has_any(values) -> Condition;
        eq(value) -> Condition;
        ne(value) -> Condition;
        lt(value) -> Condition;
        le(value) -> Condition;
        gt(value) -> Condition;
        ge(value) -> Condition;
        one_of(values) -> Condition;
        starts_with(text) -> Condition;
        asc() -> Order;
        desc() -> Order;
    }
}

impl<V> Default for Unindexed<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> KeyField<V> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }

    refused! { IndexedKey:
        has(value) -> Condition;
        has_any(values) -> Condition;
        eq(value) -> Condition;
        ne(value) -> Condition;
        lt(value) -> Condition;
        le(value) -> Condition;
        gt(value) -> Condition;
        ge(value) -> Condition;
        one_of(values) -> Condition;
        starts_with(text) -> Condition;
        asc() -> Order;
        desc() -> Order;
    }
}

impl<V> Default for KeyField<V> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::after_prefix;

    #[test]
    fn the_text_after_a_prefix_follows_every_text_with_it_and_nothing_else() {
        let after = |prefix| after_prefix(prefix);
        assert_eq!(after("ab").as_deref(), Some("ac"));
        assert_eq!(after("a\u{10FFFF}").as_deref(), Some("b"), "nothing follows the last character");
        assert_eq!(after("\u{D7FF}").as_deref(), Some("\u{E000}"), "surrogates are no characters");
        assert_eq!(after("a\0").as_deref(), Some("a\u{1}"));
        assert_eq!(after("\u{10FFFF}"), None);
        assert_eq!(after(""), None);
    }
}
