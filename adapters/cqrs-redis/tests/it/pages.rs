//! Pages of all rows, which come from an index without sorting.

use cqrs_runtime::view::{Filter, Row, RowQuery, ViewStore};

use crate::support::{ITEMS, item, views, writing};

#[tokio::test]
async fn pages_in_the_order_of_one_index_are_those_of_all_rows_sorted() {
    let views = views().await;
    views.prepare(&ITEMS).await.unwrap();
    // Several of each size, and one size whose last byte is 255.
    let mut rows: Vec<Row> =
        (0..40).map(|number| item(&format!("{number:02}"), 1, (number * 11) % 7 * 51 - 51)).collect();
    writing(&views, &[], &rows, &[], None).await.commit().await.unwrap();
    for descends in [false, true] {
        rows.sort_by(|a, b| {
            let ascending = a.indexes.partial_cmp(&b.indexes).unwrap().then_with(|| a.key.cmp(&b.key));
            if descends { ascending.reverse() } else { ascending }
        });
        for (offset, limit) in
            (0..45).flat_map(|offset| [None, Some(1), Some(4), Some(13)].map(|limit| (offset, limit)))
        {
            let order = vec![("size", descends)];
            let query = RowQuery { order, limit, offset, ..RowQuery::all() };
            let expected = rows.iter().skip(offset.try_into().unwrap()).take(limit.map_or(40, |limit| limit as usize));
            let expected: Vec<Row> = expected.cloned().collect();
            assert_eq!(views.find(&ITEMS, &query).await.unwrap(), expected, "{query:?}");
        }
    }
}

#[tokio::test]
async fn a_page_far_beyond_the_end_is_empty() {
    let views = views().await;
    views.prepare(&ITEMS).await.unwrap();
    writing(&views, &[], &[item("a", 1, 1), item("b", 1, 0)], &[], None).await.commit().await.unwrap();
    let order = [vec![], vec![("size", false)], vec![("size", true)]];
    for (order, first) in order.into_iter().zip(["a", "b", "a"]) {
        let page = RowQuery { order, limit: Some(u32::MAX), ..RowQuery::all() };
        assert_eq!(views.find(&ITEMS, &page).await.unwrap()[0].key, first);
        for offset in [2, u64::MAX] {
            let beyond = RowQuery { offset, ..page.clone() };
            assert_eq!(views.find(&ITEMS, &beyond).await.unwrap(), [], "{beyond:?}");
        }
        let none = RowQuery { limit: Some(0), ..page };
        assert_eq!(views.find(&ITEMS, &none).await.unwrap(), []);
    }
    let unknown = Filter::OneOf("weight", Vec::new());
    let error = views.count(&ITEMS, &unknown).await.unwrap_err();
    assert!(error.to_string().contains("view `Items` has no index `weight`"), "{error}");
}
