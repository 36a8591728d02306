//! Views: documents folded from events, found by key and by index.

mod arc;
pub mod buffer;
mod forward;
mod index;
mod multi_index;
mod row_query;
pub mod store;
mod stored_name;

pub use crate::column::{Column, ColumnKind, FromColumn, Key, Numeric, TextColumn, Value};
pub use crate::forward_view_store;
use crate::json::Codec;
pub use index::{Comparison, Condition, Index, IndexOf, IndexedBy, KeyField, Order, Unindexed};
pub use multi_index::{MultiIndex, OneOfEach};
pub use row_query::{Place, RowQuery};
pub(crate) use row_query::{value, values};
pub use store::{
    Checkpoint, Contents, Filter, Generation, Lease, Parked, Removal, Removed, Row, StandaloneTransaction, ViewStore,
    ViewTransaction,
};
pub use stored_name::plain_name;

/// A read model: one row per key, with its indexes as columns and the rest as a document. Implemented by
/// `#[derive(View)]`.
#[diagnostic::on_unimplemented(
    message = "[CQRS505] `{Self}` is not a view",
    label = "no `#[derive(View)]`",
    note = "a read model is stored by its key and searched by its indexes, which `#[derive(View)]` takes from `#[key]` and `#[index]`",
    note = "derive `View` for it, or, if it is the write side's state, decide on it in a `#[command]`",
    note = "see: cqrs_runtime::rules#cqrs505"
)]
pub trait View: Sized + Send + Sync + 'static {
    /// The type of the `#[key]` field.
    type Key: Key;
    /// Its name and its columns.
    const LAYOUT: ViewLayout;
    /// Its JSON codec: [`Codec::SERDE`].
    const JSON: Codec<Self>;
    /// The value of the `#[key]` field.
    fn key(&self) -> &Self::Key;
    /// The text of a key. What a key needs is asked of the view alone, so that one that is none is one error.
    #[doc(hidden)]
    fn key_text(key: &Self::Key) -> String {
        key.to_key()
    }
    /// The values of the `#[index]` fields, in the order of [`ViewLayout::indexes`].
    fn index_values(&self) -> Vec<Value>;
    /// The values of the `#[index]` fields that hold several, in the order of [`ViewLayout::multi_indexes`]: each value once, in the
    /// [order of values](Value::order).
    fn multi_values(&self) -> Vec<Vec<Value>> {
        Vec::new()
    }
}

/// A view's name and columns, from its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewLayout {
    /// The name: the type's own, or `#[cqrs(name = "..")]`.
    pub name: &'static str,
    /// The name of the key's field.
    pub key: &'static str,
    /// The indexed fields of one value.
    pub indexes: &'static [IndexShape],
    /// The indexed fields of several values: lists and sets.
    pub multi_indexes: &'static [IndexShape],
    /// The compound indexes: the names of [`indexes`](Self::indexes) that each has, in its order.
    pub compounds: &'static [&'static [&'static str]],
    /// A hash of the fields as written: their names, types, roles, and serde attributes.
    pub fields: u64,
}

impl ViewLayout {
    /// How a projection with this fingerprint stores the view.
    #[must_use]
    pub const fn shape(self, fingerprint: u64) -> ViewShape {
        let Self { name, key, indexes, multi_indexes, compounds, .. } = self;
        ViewShape { name, key, indexes, multi_indexes, compounds, fingerprint }
    }
}

/// How a view is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewShape {
    /// The name: the type's own, or `#[cqrs(name = "..")]`.
    pub name: &'static str,
    /// The name of the key's field.
    pub key: &'static str,
    /// The indexed fields of one value.
    pub indexes: &'static [IndexShape],
    /// The indexed fields of several values: lists and sets.
    pub multi_indexes: &'static [IndexShape],
    /// The compound indexes: the names of [`indexes`](Self::indexes) that each has, in its order.
    pub compounds: &'static [&'static [&'static str]],
    /// A hash of everything that the rows depend on: the view's fields and their types, and the events that its projection
    /// folds them from. Stored views with another fingerprint are rebuilt. `App::shape_of` shows it.
    pub fingerprint: u64,
}

impl ViewShape {
    /// The place of an index in [`indexes`](Self::indexes), and in the [indexes of a row](Row::indexes).
    ///
    /// # Errors
    /// The view has no index of that name.
    pub fn index(&self, name: &str) -> Result<usize, NoIndex> {
        let place = self.indexes.iter().position(|index| index.name == name);
        place.ok_or_else(|| NoIndex { view: self.name, index: name.to_owned() })
    }

    /// The place of a multi-valued index in [`multi_indexes`](Self::multi_indexes), and in the
    /// [multi-valued indexes of a row](Row::multi_values). `None` if the view has no multi-valued index of that name.
    #[must_use]
    pub fn multi_index(&self, name: &str) -> Option<usize> {
        self.multi_indexes.iter().position(|index| index.name == name)
    }

    /// The compound index that has the rows of a search in its order: its place in [`compounds`](Self::compounds), and how many of its
    /// first fields the search compares by [`Equal`](Comparison::Equal). The others are the fields that order the search.
    #[must_use]
    pub fn compound_for(&self, query: &RowQuery) -> Option<(usize, usize)> {
        let (fields, descending) = query.directions();
        let conditions = query.filter.conjuncts();
        let is_fixed = |field: &&str| {
            conditions.iter().any(|part| matches!(part, Filter::Compare(index, Comparison::Equal, _) if index == field))
        };
        self.compounds.iter().enumerate().find_map(|(place, compound)| {
            let fixed = compound.len().checked_sub(fields.len()).filter(|fixed| *fixed > 0)?;
            let sorts = compound[fixed..].iter().zip(&fields).all(|(name, order)| *order == (*name, descending));
            (!fields.is_empty() && compound[..fixed].iter().all(is_fixed) && sorts).then_some((place, fixed))
        })
    }

    /// Rows whose indexed field, of either sort, equals or has one of these values.
    #[must_use]
    pub fn any_of(&self, index: &'static str, values: &[Value]) -> Filter {
        let filter = if self.multi_index(index).is_some() { Filter::Has } else { Filter::OneOf };
        filter(index, values.to_vec())
    }

    /// Checks that a row has a value for each index of one value, and a list for each multi-valued one.
    ///
    /// # Errors
    /// The row is of another shape.
    pub fn check(&self, row: &Row) -> Result<(), OtherShape> {
        let misfit = |what, has, needs| OtherShape { view: self.name, what, has, needs };
        match (row.indexes.len(), row.multi_values.len()) {
            (has, _) if has != self.indexes.len() => Err(misfit("index values", has, self.indexes.len())),
            (_, has) if has != self.multi_indexes.len() => {
                Err(misfit("lists of index values", has, self.multi_indexes.len()))
            }
            _ => Ok(()),
        }
    }

    /// The kind of an index of either sort.
    ///
    /// # Errors
    /// The view has no index of that name.
    pub fn kind(&self, name: &str) -> Result<ColumnKind, NoIndex> {
        match self.multi_index(name) {
            Some(place) => Ok(self.multi_indexes[place].kind),
            None => self.index(name).map(|place| self.indexes[place].kind),
        }
    }
}

/// A row that does not have the shape of its view.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a row of view `{view}` has {has} {what}, not {needs}")]
pub struct OtherShape {
    /// The view, as it is stored.
    pub view: &'static str,
    /// What the row has too many or too few of.
    pub what: &'static str,
    /// How many it has.
    pub has: usize,
    /// How many it needs.
    pub needs: usize,
}

/// A search by a field that is no index of its view.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("view `{view}` has no index `{index}`")]
pub struct NoIndex {
    /// The view, as it is stored.
    pub view: &'static str,
    /// The field.
    pub index: String,
}

/// An indexed field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexShape {
    /// The field's name.
    pub name: &'static str,
    /// The type of its column.
    pub kind: ColumnKind,
}
