//! Which rows a search returns: its order, its limits, and the place where it starts.

use std::cmp::Ordering;

use crate::column::Value;
use crate::view::{Comparison, Filter, Row, ViewShape};

/// Selects, orders and limits rows.
///
/// Rows that the order leaves equal are ordered by key, in the direction of the last field of the order. Without an order, rows are
/// ordered by key.
#[derive(Clone, Debug, PartialEq)]
pub struct RowQuery {
    /// The rows to select.
    pub filter: Filter,
    /// The fields to order by, with `true` for descending. `Null` is the least value.
    pub order: Vec<(&'static str, bool)>,
    /// Whether the whole order, keys included, is reversed.
    pub reversed: bool,
    /// The place to start at. `None`: the first row.
    pub start: Option<Place>,
    /// The greatest number of rows.
    pub limit: Option<u32>,
    /// How many rows to skip first.
    pub offset: u64,
}

/// A place in the order of a search. There may be no row at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The values of the fields that the search is ordered by.
    pub values: Vec<Value>,
    /// The key's text.
    pub key: String,
    /// Whether a row at this place comes after it.
    pub inclusive: bool,
}

impl RowQuery {
    /// The rows that match a filter, ordered by key.
    #[must_use]
    pub const fn new(filter: Filter) -> Self {
        Self { filter, order: Vec::new(), reversed: false, start: None, limit: None, offset: 0 }
    }

    /// Every row, ordered by key.
    #[must_use]
    pub const fn all() -> Self {
        Self::new(Filter::All(Vec::new()))
    }

    /// The fields to order by, each once, with `true` for descending, and whether keys are descending: [`reversed`](Self::reversed)
    /// is contained.
    #[must_use]
    pub fn directions(&self) -> (Vec<(&'static str, bool)>, bool) {
        let mut fields: Vec<(&'static str, bool)> = Vec::with_capacity(self.order.len());
        for (field, descending) in &self.order {
            if fields.iter().all(|(known, _)| known != field) {
                fields.push((field, descending ^ self.reversed));
            }
        }
        let descending = self.order.last().is_some_and(|(_, descending)| *descending);
        (fields, descending ^ self.reversed)
    }

    /// The rows after [`start`](Self::start), as filters: the rows of each come before those of the next one, and each is a single
    /// range of an index over the order's fields and the key. `None` without a start.
    #[must_use]
    pub fn stretches(&self) -> Option<Vec<Filter>> {
        let place = self.start.as_ref()?;
        let (fields, descending) = self.directions();
        let value = |field: &str| self.value_at(place, field);
        let equal = |(field, _): &(&'static str, bool)| Filter::Compare(field, Comparison::Equal, value(field).clone());
        let beyond = match (descending, place.inclusive) {
            (false, false) => Comparison::Greater,
            (false, true) => Comparison::GreaterOrEqual,
            (true, false) => Comparison::Less,
            (true, true) => Comparison::LessOrEqual,
        };
        let mut same: Vec<Filter> = fields.iter().map(equal).collect();
        same.push(Filter::Key(beyond, place.key.clone()));
        let mut stretches = vec![Filter::All(same)];
        for (at, (field, descends)) in fields.iter().enumerate().rev() {
            let mut stretch = |comparison, value| {
                let mut parts: Vec<Filter> = fields[..at].iter().map(equal).collect();
                parts.push(Filter::Compare(field, comparison, value));
                stretches.push(Filter::All(parts));
            };
            match (value(field), descends) {
                (value, false) if value.is_storable_null() => stretch(Comparison::NotEqual, Value::Null),
                (value, false) => stretch(Comparison::Greater, value.clone()),
                (value, true) if value.is_storable_null() => {}
                (value, true) => {
                    stretch(Comparison::Less, value.clone());
                    stretch(Comparison::Equal, Value::Null);
                }
            }
        }
        Some(stretches)
    }

    /// The value of a field at a place. A field that is named twice has its value at the first mention.
    #[must_use]
    pub fn value_at<'a>(&self, place: &'a Place, field: &str) -> &'a Value {
        let at = self.order.iter().position(|(named, _)| *named == field);
        at.and_then(|at| place.values.get(at)).unwrap_or(&Value::Null)
    }

    /// Of these rows those after [`start`](Self::start), in order, without those that the offset and the limit leave out.
    pub(crate) fn select<'a>(
        &self,
        shape: &ViewShape,
        rows: impl Iterator<Item = &'a Row>,
    ) -> impl Iterator<Item = &'a Row> {
        let (fields, descending) = self.directions();
        let turned = |order: Ordering, descending| if descending { order.reverse() } else { order };
        let by_fields = |of: &dyn Fn(&str) -> Ordering| {
            fields
                .iter()
                .map(|(field, descending)| turned(of(field), *descending))
                .fold(Ordering::Equal, Ordering::then)
        };
        let is_after_start = |row: &&Row| {
            let Some(place) = &self.start else { return true };
            let order = by_fields(&|field| value(shape, row, field).order(self.value_at(place, field)));
            match order.then_with(|| turned(row.key.cmp(&place.key), descending)) {
                Ordering::Less => false,
                Ordering::Equal => place.inclusive,
                Ordering::Greater => true,
            }
        };
        let mut rows: Vec<&Row> = rows.filter(is_after_start).collect();
        rows.sort_by(|a, b| {
            let order = by_fields(&|field| value(shape, a, field).order(value(shape, b, field)));
            order.then_with(|| turned(a.key.cmp(&b.key), descending))
        });
        let limit = self.limit.map_or(usize::MAX, |limit| limit as usize);
        rows.into_iter().skip(usize::try_from(self.offset).unwrap_or(usize::MAX)).take(limit)
    }
}

/// The value of a row's indexed field.
pub(crate) fn value<'a>(shape: &ViewShape, row: &'a Row, index: &str) -> &'a Value {
    shape.index(index).ok().and_then(|place| row.indexes.get(place)).unwrap_or(&Value::Null)
}

/// The values of a row's indexed field of either sort.
pub(crate) fn values<'a>(shape: &ViewShape, row: &'a Row, index: &str) -> &'a [Value] {
    match shape.multi_index(index) {
        Some(place) => row.multi_values.get(place).map_or(&[], Vec::as_slice),
        None => std::slice::from_ref(value(shape, row, index)),
    }
}
