//! Searches use the server's indexes.

use cqrs_mongodb::mongodb::bson::{Bson, Document, doc};
use cqrs_runtime::view::{Filter, Row, RowQuery, ViewStore};

use crate::support::{ITEMS, client, collection_of, database, item, open, views, writing};

/// The stages of the server's plan.
fn stages(plan: &Document, found: &mut Vec<String>) {
    for (name, value) in plan {
        match value {
            Bson::String(stage) if name == "stage" => found.push(stage.clone()),
            Bson::Document(inner) => stages(inner, found),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_search_uses_the_index_of_its_field() {
    let url = database();
    let views = open(&url).await;
    views.prepare(&ITEMS).await.unwrap();
    let rows: Vec<Row> = (0..200).map(|number| item(&format!("{number:03}"), 1, number % 7)).collect();
    writing(&views, &[], &rows, &[], None).await.commit().await.unwrap();
    let name = collection_of(&url, "Items").await.name().to_owned();
    // The same filters as in the store's own tests.
    for (filter, sort) in [
        (doc! { "indexes.size": { "$eq": 3_i64 } }, doc! { "_id": 1 }),
        (doc! { "indexes.size": { "$gt": 3_i64 } }, doc! { "indexes.size": 1, "_id": 1 }),
        (doc! { "indexes.size": { "$in": [3_i64, 4_i64] } }, doc! { "_id": 1 }),
    ] {
        let find = doc! { "find": &name, "filter": filter, "sort": sort };
        let explained = client(&url).await.run_command(doc! { "explain": find, "verbosity": "queryPlanner" }).await;
        let explained = explained.unwrap();
        let plan = explained.get_document("queryPlanner").unwrap().get_document("winningPlan").unwrap();
        let mut found = Vec::new();
        stages(plan, &mut found);
        assert!(found.contains(&"IXSCAN".to_owned()) && !found.contains(&"COLLSCAN".to_owned()), "{plan}");
    }
}

#[tokio::test]
async fn pages_in_the_order_of_one_index_are_those_of_all_rows_sorted() {
    let views = views().await;
    views.prepare(&ITEMS).await.unwrap();
    let mut rows: Vec<Row> = (0..40).map(|number| item(&format!("{number:02}"), 1, (number * 11) % 7 - 3)).collect();
    writing(&views, &[], &rows, &[], None).await.commit().await.unwrap();
    for descends in [false, true] {
        rows.sort_by(|a, b| {
            let ascending = a.indexes.partial_cmp(&b.indexes).unwrap().then_with(|| a.key.cmp(&b.key));
            if descends { ascending.reverse() } else { ascending }
        });
        for (offset, limit) in
            [0, 1, 7, 39, 40, 1 << 60].into_iter().flat_map(|offset| [None, Some(4)].map(|limit| (offset, limit)))
        {
            let order = vec![("size", descends)];
            let query = RowQuery { order, limit, offset, ..RowQuery::all() };
            let from = usize::try_from(offset).unwrap().min(rows.len());
            let expected: Vec<Row> =
                rows[from..].iter().take(limit.map_or(40, |limit| limit as usize)).cloned().collect();
            assert_eq!(views.find(&ITEMS, &query).await.unwrap(), expected, "{query:?}");
        }
    }
    let none = RowQuery { limit: Some(0), ..RowQuery::all() };
    assert_eq!(views.find(&ITEMS, &none).await.unwrap(), []);
    let error = views.count(&ITEMS, &Filter::OneOf("weight", Vec::new())).await.unwrap_err();
    assert!(error.to_string().contains("view `Items` has no index `weight`"), "{error}");
}
