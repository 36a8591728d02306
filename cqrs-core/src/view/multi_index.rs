//! Indexes over fields that hold several values.

use std::marker::PhantomData;

use crate::view::index::{Condition, Index, IndexOf, IndexValue, IndexedBy, OneValue, Order, refused};
use crate::view::store::Filter;

/// An indexed field of view `V` that holds several values of type `T`: the constant that `#[derive(View)]` makes of an `#[index]` on a
/// `Vec`, a `BTreeSet` or a `HashSet`. A value that a row holds twice counts once.
///
/// ```
/// # use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct UserId(Uuid);
/// #[derive(View, Serialize, Deserialize)]
/// pub struct Article {
///     #[key] slug: String,
///     #[index] author: UserId,
///     #[index] created_at: Timestamp,
///     #[index] tags: Vec<String>,
/// }
///
/// async fn about(tag: &str, articles: Views<Article>) -> Result<Vec<Article>, QueryError> {
///     articles.find(Article::TAGS.has(tag)).order_by(Article::CREATED_AT.desc()).limit(20).await
/// }
///
/// async fn tag_cloud(articles: Views<Article>) -> Result<Vec<(String, u64)>, QueryError> {
///     articles.scan().limit(50).count_by(Article::TAGS).await
/// }
/// ```
pub struct MultiIndex<V, T>(Index<V, T>);

impl<V, T> Clone for MultiIndex<V, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V, T> Copy for MultiIndex<V, T> {}

impl<V, T> std::fmt::Debug for MultiIndex<V, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("MultiIndex").field(&self.0.name()).finish()
    }
}

/// What the index of a field holds of a row: one value. The bound of what needs one.
#[diagnostic::on_unimplemented(
    message = "[CQRS308] this index holds several values of each row",
    label = "an index of several values",
    note = "a sum, a least and a greatest value are taken of one value of each row",
    note = "count the rows of each value: `count_by`; or fold the number that is asked for into a field of its own, marked `#[index]`",
    note = "see: cqrs_runtime::rules#cqrs308"
)]
pub trait OneOfEach {}

/// What [`MultiIndex`] holds of a row.
#[derive(Debug)]
pub struct SeveralValues<T>(PhantomData<T>);

impl OneOfEach for OneValue {}

impl<V, T> IndexedBy<V> for MultiIndex<V, T> {
    type Value = T;
    type Holds = SeveralValues<T>;
    fn name(self) -> &'static str {
        self.0.name()
    }
}

/// `#[by(..)]` of a multi-valued index changes each row that has the value.
impl<V, T> IndexOf<V, T> for MultiIndex<V, T> {
    fn index(self) -> Index<V, T> {
        self.0
    }
}

/// Never implemented: the bound that refuses to compare several values with one.
#[diagnostic::on_unimplemented(
    message = "[CQRS308] this index holds several values of each row, and is compared by `has`",
    label = "an index of several values",
    note = "a row has none, one or many of them: no single one equals a value, is less than it, or begins with a text",
    note = "write `.has(value)` or `.has_any(values)`",
    note = "see: cqrs_runtime::rules#cqrs308"
)]
pub trait ComparedWhole {}

/// Never implemented: the bound that refuses to sort by several values.
#[diagnostic::on_unimplemented(
    message = "[CQRS308] this index holds several values of each row, and does not sort rows",
    label = "an index of several values",
    note = "a row has none, one or many of them, and would have as many places in the order",
    note = "sort by an index of one value; where one of them says where the row belongs, fold it into a field of its own, marked `#[index]`",
    note = "see: cqrs_runtime::rules#cqrs308"
)]
pub trait SortedBySeveral {}

impl<V, T> MultiIndex<V, T> {
    /// Names an indexed field. Only `#[derive(View)]` has reason to, which has the field's type checked elsewhere.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Index::new(name))
    }

    /// The field's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Rows whose field has `value` among its values.
    #[must_use]
    pub fn has(self, value: impl IndexValue<T>) -> Condition<V> {
        Condition::new(Filter::Has(self.name(), vec![value.into_value()]))
    }

    /// Rows whose field has at least one of `values` among its values. None, if there are no values.
    #[must_use]
    pub fn has_any<W: IndexValue<T>>(self, values: impl IntoIterator<Item = W>) -> Condition<V> {
        Condition::new(Filter::Has(self.name(), values.into_iter().map(IndexValue::into_value).collect()))
    }
}

impl<V, T> MultiIndex<V, T> {
    refused! { ComparedWhole:
        eq(value) -> Condition;
        ne(value) -> Condition;
        lt(value) -> Condition;
        le(value) -> Condition;
        gt(value) -> Condition;
        ge(value) -> Condition;
        one_of(values) -> Condition;
        starts_with(text) -> Condition;
    }
    refused! { SortedBySeveral:
        asc() -> Order;
        desc() -> Order;
    }
}
