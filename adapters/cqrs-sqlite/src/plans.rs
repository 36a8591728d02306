//! Query plans of this crate's statements.

use cqrs_core::Tag;
use cqrs_core::log::{EventQuery, Position, QueryItem};
use cqrs_core::view::{ColumnKind, Comparison, Filter, IndexShape, Place, RowQuery, Value, ViewShape};
use rusqlite::{Connection, params_from_iter};

use crate::query::statements;
use crate::sql::{Parameter, Sql, bound};
use crate::{connect, filter, rows, schema, snapshots, views};

fn file() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut connection = Connection::open(folder.path().join("log.db")).expect("a file");
    schema::migrate(&mut connection, folder.path()).expect("a schema");
    connect::prepare(&connection).expect("the modules");
    (folder, connection)
}

fn plan(connection: &Connection, sql: &Sql) -> String {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.text)).expect("a statement");
    let parameters = params_from_iter(bound(sql.parameters.clone()));
    let lines = statement.query_map(parameters, |row| row.get::<_, String>(3)).expect("a plan");
    lines.map(|line| line.expect("a line")).collect::<Vec<_>>().join("\n")
}

fn plans(connection: &Connection, items: Vec<QueryItem>) -> String {
    let statements = statements(&EventQuery { items }, Position::new(5), 100);
    statements.iter().map(|statement| plan(connection, &statement.sql)).collect::<Vec<_>>().join("\n")
}

fn item(names: &[&'static str], tags: &[&str]) -> QueryItem {
    QueryItem {
        names: names.iter().map(|&name| name.into()).collect(),
        tags: tags.iter().map(|tag| Tag::from_text(tag)).collect(),
    }
}

#[track_caller]
fn touches_only(plan: &str, wanted: &[&str]) {
    for part in wanted {
        assert!(plan.contains(part), "`{part}` is not in\n{plan}");
    }
    assert!(!plan.contains("SCAN t") && !plan.contains("SCAN e"), "it scans a table:\n{plan}");
}

#[test]
fn one_aggregate_costs_its_own_events() {
    let (_folder, connection) = file();
    for names in [&[][..], &["Opened", "Closed"]] {
        let plan = plans(&connection, vec![item(names, &["order:1"])]);
        touches_only(
            &plan,
            &["SEARCH t USING PRIMARY KEY (tag=? AND position>?)", "SEARCH e USING INTEGER PRIMARY KEY"],
        );
        assert!(
            !plan.contains("TEMP B-TREE"),
            "it is sorted by the index, so a page costs no more than its events:\n{plan}"
        );
    }
}

#[test]
fn many_aggregates_cost_their_own_events_in_one_statement() {
    let (_folder, connection) = file();
    let tags: Vec<String> = (0..5_000).map(|number| format!("order:{number}")).collect();
    let items: Vec<_> = tags.iter().map(|tag| item(&["Opened", "Closed"], &[tag])).collect();
    assert_eq!(statements(&EventQuery { items: items.clone() }, Position::START, 100).len(), 1);
    touches_only(&plans(&connection, items), &["SEARCH t USING PRIMARY KEY (tag=? AND position>?)"]);
}

#[test]
fn several_tags_of_one_event_are_looked_up() {
    let (_folder, connection) = file();
    let plan = plans(&connection, vec![item(&["Opened"], &["order:1", "customer:2"])]);
    touches_only(
        &plan,
        &[
            "SEARCH t USING PRIMARY KEY (tag=? AND position>?)",
            "SEARCH u EXISTS USING PRIMARY KEY (tag=? AND position=?)",
        ],
    );
}

#[test]
fn names_are_looked_up_and_merged_in_order() {
    let (_folder, connection) = file();
    let plan = plans(&connection, vec![item(&["Opened", "Closed"], &[])]);
    touches_only(&plan, &["MERGE (UNION)", "USING COVERING INDEX cqrs_events_by_name (name=? AND position>?)"]);
    assert!(!plan.contains("TEMP B-TREE"), "it is sorted by the index:\n{plan}");
}

#[test]
fn mixed_alternatives_are_looked_up() {
    let (_folder, connection) = file();
    let items = vec![
        item(&["Opened"], &["order:1"]),
        item(&[], &["order:2"]),
        item(&["Closed"], &["a:1", "b:1"]),
        item(&["Gone"], &[]),
    ];
    touches_only(&plans(&connection, items), &["SEARCH t USING PRIMARY KEY (tag=? AND position>?)"]);
}

#[test]
fn a_snapshot_is_looked_up() {
    let (_folder, connection) = file();
    let mut sql = Sql::default();
    sql.push(snapshots::LOOK_UP);
    sql.parameters.extend([Parameter::text("Order"), Parameter::text("order:1"), Parameter::integer(1)]);
    let plan = plan(&connection, &sql);
    assert!(
        plan.starts_with("SEARCH main.cqrs_snapshots USING INDEX") && plan.ends_with("(aggregate=? AND tag=?)"),
        "{plan}"
    );
}

const SHAPE: ViewShape = ViewShape {
    name: "Order \"x\"; --",
    key: "order",
    indexes: &[
        IndexShape { name: "customer", kind: ColumnKind::Text },
        IndexShape { name: "total", kind: ColumnKind::Integer },
    ],
    multi_indexes: &[
        IndexShape { name: "tags", kind: ColumnKind::Text },
        IndexShape { name: "sizes", kind: ColumnKind::Integer },
    ],
    compounds: &[],
    fingerprint: u64::MAX,
};

#[test]
fn searches_use_the_indexes() {
    let (_folder, connection) = file();
    views::make_table(&connection, "test", &SHAPE).expect("a table");
    let all = || Filter::All(Vec::new());
    let equal = Filter::Compare("customer", Comparison::Equal, Value::Text("ann".into()));
    let query = |filter, order| RowQuery { order, limit: Some(10), ..RowQuery::new(filter) };
    let find = |query: &RowQuery| filter::find(&SHAPE, query, &[], "test").map(|mut statements| statements.remove(0));
    let by_customer = "USING INDEX cqrs_index_0__order \"x\"; -- (customer=?)";
    for (sql, wanted) in [
        (find(&query(equal, vec![])), by_customer),
        (filter::rows_by(&SHAPE, "customer", &[Value::Text("ann".into())], "test"), by_customer),
        (find(&query(Filter::Compare("customer", Comparison::Equal, Value::Null), vec![])), by_customer),
        (find(&query(Filter::Compare("total", Comparison::Greater, Value::Integer(5)), vec![])), "(total>?)"),
        (find(&query(all(), vec![("total", false)])), "cqrs_index_1"),
        (Ok(rows::by_keys(&SHAPE, &["a".into(), "b".into()])), "(cqrs_key=?)"),
    ] {
        let plan = plan(&connection, &sql.expect("a statement"));
        assert!(plan.contains(wanted), "`{wanted}` is not in\n{plan}");
    }
    let first = find(&query(all(), vec![("total", false)])).expect("a statement");
    assert!(!plan(&connection, &first).contains("TEMP B-TREE"), "the first rows by an index need no sorting");
}

/// Wherever it is, a page is read from one range of an index, already sorted.
#[test]
fn every_part_of_a_page_is_a_range_of_an_index_in_its_order() {
    let (_folder, connection) = file();
    views::make_table(&connection, "test", &SHAPE).expect("a table");
    let every = || Filter::All(Vec::new());
    let customer = || Filter::Compare("customer", Comparison::Equal, Value::Text("ann".into()));
    let (total, ann) = (|| Value::Integer(5), || Value::Text("ann".into()));
    for (filter, order, values) in [
        (every(), vec![], vec![]),
        (customer(), vec![], vec![]),
        (every(), vec![("total", false)], vec![total()]),
        (every(), vec![("total", true)], vec![total()]),
        (every(), vec![("total", false)], vec![Value::Null]),
        (every(), vec![("total", true)], vec![Value::Null]),
        (every(), vec![("customer", true)], vec![ann()]),
    ] {
        for reversed in [false, true] {
            let start = Some(Place { values: values.clone(), key: "k".into(), inclusive: false });
            let order = order.clone();
            let query = RowQuery { order, reversed, start, limit: Some(10), ..RowQuery::new(filter.clone()) };
            for sql in filter::find(&SHAPE, &query, &[], "test").expect("statements") {
                let plan = plan(&connection, &sql);
                assert!(plan.starts_with("SEARCH") && !plan.contains("TEMP B-TREE"), "{query:?}\n{}\n{plan}", sql.text);
            }
        }
    }
}

/// A value that few rows have is looked up, and one that many have is checked along the order.
#[test]
fn the_values_of_a_multi_valued_index_are_looked_up() {
    let (_folder, connection) = file();
    views::make_table(&connection, "test", &SHAPE).expect("a table");
    let has = |values: &[&str]| {
        Filter::Has("tags", values.iter().map(|value| Value::Text((*value).into())).collect::<Vec<_>>())
    };
    let customer = || Filter::Compare("customer", Comparison::Equal, Value::Text("ann".into()));
    let query = |filter, order| RowQuery { order, limit: Some(10), ..RowQuery::new(filter) };
    let find = |query: &RowQuery, frequent: &[bool]| {
        filter::find(&SHAPE, query, frequent, "test").map(|mut statements| statements.remove(0))
    };
    let by_value = "cqrs_multi_index_0_order \"x\"; -- (cqrs_value=?)";
    let newest = || vec![("total", true)];
    for (sql, wanted) in [
        (find(&query(has(&["a"]), newest()), &[]), &[by_value, "(cqrs_key=?)"][..]),
        (find(&query(has(&["a", "b"]), vec![]), &[]), &[by_value, "(cqrs_key=?)"]),
        (find(&query(has(&["a"]), newest()), &[true]), &["cqrs_index_1", "(cqrs_key=? AND cqrs_value=?)"]),
        (
            find(&query(Filter::All(vec![has(&["a"]), customer()]), newest()), &[true, false]),
            &["cqrs_index_0", "(cqrs_key=? AND cqrs_value=?)"],
        ),
        (
            find(&query(Filter::All(vec![has(&["a"]), customer()]), newest()), &[true, true]),
            &["cqrs_index_1", "(cqrs_key=? AND cqrs_value=?)"],
        ),
        (filter::count(&SHAPE, &has(&["a"]), "test"), &["COVERING INDEX cqrs_multi_index_0"]),
        (filter::count_by(&SHAPE, &Filter::All(vec![]), "tags", None, "test"), &["COVERING INDEX cqrs_multi_index_0"]),
        (filter::rows_by(&SHAPE, "tags", &[Value::Text("a".into())], "test"), &[by_value, "(cqrs_key=?)"]),
    ] {
        let sql = sql.expect("a statement");
        let plan = plan(&connection, &sql);
        for wanted in wanted {
            assert!(plan.contains(wanted), "`{wanted}` is not in\n{plan}\n{}", sql.text);
        }
        assert!(!plan.contains("SCAN v\n"), "{plan}\n{}", sql.text);
        if wanted[0] == "cqrs_index_1" {
            assert!(!plan.contains("TEMP B-TREE"), "it is in the order of the index:\n{plan}");
        }
    }
}

/// The same with a compound index.
const SORTED: ViewShape = ViewShape { name: "Sorted", compounds: &[&["customer", "total"]], ..SHAPE };

/// A page of one customer in the order of the other field is one range of the compound index, at its
/// start and behind it.
#[test]
fn a_compound_index_sorts_a_page() {
    let (_folder, connection) = file();
    views::make_table(&connection, "test", &SORTED).expect("a table");
    let customer = Filter::Compare("customer", Comparison::Equal, Value::Text("ann".into()));
    let tagged = Filter::All(vec![customer.clone(), Filter::Has("tags", vec![Value::Text("a".into())])]);
    let place = Place { values: vec![Value::Integer(5)], key: "k".into(), inclusive: false };
    for (filter, frequent) in [(customer, vec![]), (tagged, vec![false, true])] {
        for (reversed, start) in
            [(false, None), (true, None), (false, Some(place.clone())), (true, Some(place.clone()))]
        {
            let order = vec![("total", true)];
            let query = RowQuery { order, reversed, start, limit: Some(10), ..RowQuery::new(filter.clone()) };
            let probed = filter::probes(&SORTED, &query, "test").expect("statements");
            let is_sorted = |place| probed.iter().all(|probe| probe.place != place || probe.is_sorted);
            assert!(is_sorted(0), "the index has the rows in order, however many they are");
            for sql in filter::find(&SORTED, &query, &frequent, "test").expect("statements") {
                let plan = plan(&connection, &sql);
                assert!(plan.starts_with("SEARCH v USING INDEX cqrs_compound_0"), "{query:?}\n{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{query:?}\n{plan}");
            }
        }
    }
}

/// The newest rows of 2,000 customers are one statement: along the order if they have many rows, and
/// by their index if they have few.
#[test]
fn a_feed_is_one_indexed_statement() {
    let (_folder, connection) = file();
    views::make_table(&connection, "test", &SORTED).expect("a table");
    let followed = (0..2_000).map(|number| Value::Text(format!("customer {number}"))).collect();
    let feed = Filter::OneOf("customer", followed);
    let query = RowQuery { order: vec![("total", true)], limit: Some(20), ..RowQuery::new(feed) };
    for (frequent, wanted) in [(true, "USING INDEX cqrs_index_1"), (false, "(customer=?)")] {
        let statements = filter::find(&SORTED, &query, &[frequent], "test").expect("statements");
        assert_eq!(statements.len(), 1);
        let plan = plan(&connection, &statements[0]);
        assert!(plan.contains(wanted), "`{wanted}` is not in\n{plan}");
        assert_eq!(plan.contains("TEMP B-TREE"), !frequent, "{plan}");
    }
}
