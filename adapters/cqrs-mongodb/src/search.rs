//! Translates searches to the server's language.

use cqrs_core::view::{Comparison, Filter, NoIndex, RowQuery, Value, ViewShape};
use mongodb::bson::{Bson, Document, doc};

use crate::row::{DOCUMENT, indexed, value};

/// The filter of the rows that a search finds after its start.
pub(crate) fn of_query(shape: &ViewShape, query: &RowQuery) -> Result<Document, NoIndex> {
    match query.stretches() {
        None => filter(shape, &query.filter),
        Some(stretches) => filter(shape, &Filter::All(vec![query.filter.clone(), Filter::Any(stretches)])),
    }
}

/// The filter of a search, which matches rows but not marks.
pub(crate) fn filter(shape: &ViewShape, filter: &Filter) -> Result<Document, NoIndex> {
    let mut all = parts(shape, filter)?;
    if takes_marks(filter) {
        all.insert(DOCUMENT, doc! { "$exists": true });
    }
    Ok(all)
}

/// Whether a filter matches documents without index values, such as marks. The server treats
/// missing values as `null`.
fn takes_marks(filter: &Filter) -> bool {
    let is_null = |compared: &Value| value(compared) == Bson::Null;
    match filter {
        Filter::Compare(_, comparison, compared) => match comparison {
            Comparison::Equal => is_null(compared),
            Comparison::NotEqual => !is_null(compared),
            _ => false,
        },
        Filter::OneOf(_, values) | Filter::Has(_, values) => values.iter().any(is_null),
        Filter::Key(..) => true,
        Filter::All(parts) => parts.iter().all(takes_marks),
        Filter::Any(parts) => parts.iter().any(takes_marks),
    }
}

fn parts(shape: &ViewShape, filter: &Filter) -> Result<Document, NoIndex> {
    let every = |filters: &[Filter]| filters.iter().map(|part| parts(shape, part)).collect::<Result<Vec<_>, _>>();
    Ok(match filter {
        Filter::Compare(index, comparison, compared) => {
            let field = field(shape, index)?;
            match operator(*comparison, compared) {
                Some(operator) => doc! { field: { operator: value(compared) } },
                None => none(),
            }
        }
        Filter::OneOf(index, values) | Filter::Has(index, values) => {
            doc! { field(shape, index)?: { "$in": values.iter().map(value).collect::<Vec<Bson>>() } }
        }
        Filter::Key(comparison, key) => doc! { "_id": { key_operator(*comparison): key } },
        Filter::All(filters) if filters.is_empty() => Document::new(),
        Filter::Any(filters) if filters.is_empty() => none(),
        Filter::All(filters) => doc! { "$and": every(filters)? },
        Filter::Any(filters) => doc! { "$or": every(filters)? },
    })
}

/// Matches no row.
fn none() -> Document {
    doc! { "_id": { "$in": [] } }
}

fn field(shape: &ViewShape, index: &str) -> Result<String, NoIndex> {
    shape.kind(index).map(|_| indexed(index))
}

/// The server's operator. The server never compares values of different types, so `null` is neither
/// less nor greater than others. But it would be both less-or-equal and greater-or-equal to itself.
fn operator(comparison: Comparison, compared: &Value) -> Option<&'static str> {
    Some(match comparison {
        Comparison::Equal => "$eq",
        Comparison::NotEqual => "$ne",
        _ if value(compared) == Bson::Null => return None,
        Comparison::Less => "$lt",
        Comparison::LessOrEqual => "$lte",
        Comparison::Greater => "$gt",
        Comparison::GreaterOrEqual => "$gte",
    })
}

fn key_operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "$eq",
        Comparison::NotEqual => "$ne",
        Comparison::Less => "$lt",
        Comparison::LessOrEqual => "$lte",
        Comparison::Greater => "$gt",
        Comparison::GreaterOrEqual => "$gte",
    }
}

/// The order of a search: only the first mention of a field counts, and the key comes last.
pub(crate) fn sort(shape: &ViewShape, query: &RowQuery) -> Result<Document, NoIndex> {
    let mut sort = Document::new();
    let (fields, descending) = query.directions();
    let direction = |descends| if descends { -1 } else { 1 };
    for (index, descends) in fields {
        sort.insert(field(shape, index)?, direction(descends));
    }
    sort.insert("_id", direction(descending));
    Ok(sort)
}

/// The steps that count the values of an index.
pub(crate) fn count_by(
    shape: &ViewShape,
    filtered: &Filter,
    index: &str,
    limit: Option<u32>,
) -> Result<Vec<Document>, NoIndex> {
    let field = format!("${}", field(shape, index)?);
    let mut steps = vec![doc! { "$match": filter(shape, filtered)? }];
    // A row with several values becomes one for each.
    steps.extend(shape.multi_index(index).map(|_| doc! { "$unwind": &field }));
    steps.extend([
        doc! { "$group": { "_id": field, "rows": { "$sum": 1_i64 } } },
        doc! { "$sort": { "rows": -1, "_id": 1 } },
    ]);
    steps.extend(limit.map(|limit| doc! { "$limit": i64::from(limit) }));
    Ok(steps)
}

/// The steps that add an index up.
pub(crate) fn sum(shape: &ViewShape, filtered: &Filter, index: &str) -> Result<Vec<Document>, NoIndex> {
    let field = format!("${}", field(shape, index)?);
    Ok(vec![
        doc! { "$match": filter(shape, filtered)? },
        doc! { "$group": { "_id": Bson::Null, "sum": { "$sum": field } } },
    ])
}

#[cfg(test)]
mod tests {
    use cqrs_core::view::{ColumnKind, IndexShape};

    use super::*;

    const SHAPE: ViewShape = ViewShape {
        name: "Items",
        key: "item",
        indexes: &[IndexShape { name: "size", kind: ColumnKind::Integer }],
        multi_indexes: &[],
        compounds: &[],
        fingerprint: 7,
    };

    #[test]
    fn a_field_without_an_index_is_refused() {
        let filter = Filter::Any(vec![Filter::OneOf("weight", Vec::new())]);
        let error = super::filter(&SHAPE, &filter).unwrap_err();
        assert_eq!(error.to_string(), "view `Items` has no index `weight`");
        let query = RowQuery { order: vec![("weight", true)], ..RowQuery::new(filter) };
        assert_eq!(sort(&SHAPE, &query), Err(error));
    }

    #[test]
    fn filters_that_match_no_marks_use_the_index_alone() {
        let compare = |comparison, value| Filter::Compare("size", comparison, value);
        let (three, null) = (|| Value::Integer(3), || Value::Null);
        let either = Filter::Any(vec![compare(Comparison::Less, three()), compare(Comparison::NotEqual, null())]);
        for filter in [
            compare(Comparison::Equal, three()),
            compare(Comparison::GreaterOrEqual, three()),
            compare(Comparison::GreaterOrEqual, null()),
            Filter::OneOf("size", vec![three()]),
            Filter::All(vec![compare(Comparison::NotEqual, three()), compare(Comparison::Less, three())]),
            either,
            Filter::Any(Vec::new()),
        ] {
            assert!(!super::filter(&SHAPE, &filter).unwrap().contains_key(DOCUMENT), "{filter:?}");
        }
        for filter in [
            compare(Comparison::Equal, Value::Real(f64::NAN)),
            compare(Comparison::NotEqual, three()),
            Filter::OneOf("size", vec![three(), null()]),
            Filter::Any(vec![compare(Comparison::Less, three()), compare(Comparison::Equal, null())]),
            Filter::All(Vec::new()),
        ] {
            assert!(super::filter(&SHAPE, &filter).unwrap().contains_key(DOCUMENT), "{filter:?}");
        }
        let filter = filter(&SHAPE, &compare(Comparison::Greater, three())).unwrap();
        assert_eq!(filter, doc! { "indexes.size": { "$gt": 3_i64 } });
    }

    #[test]
    fn the_first_mention_of_a_field_orders() {
        let every = Filter::All(Vec::new());
        let query = RowQuery { order: vec![("size", true), ("size", false)], ..RowQuery::new(every) };
        assert_eq!(
            sort(&SHAPE, &query),
            Ok(doc! { "indexes.size": -1, "_id": 1 }),
            "the last mention decides how keys are ordered"
        );
    }
}
