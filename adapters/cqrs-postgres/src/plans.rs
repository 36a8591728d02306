//! Query plans of this crate's statements.

use std::sync::Arc;

use cqrs_core::event::{EventHeader, RecordedEvent};
use cqrs_core::log::{EventLog, EventQuery, Position, QueryItem};
use cqrs_core::view::{ColumnKind, Comparison, Filter, IndexShape, Place, Row, RowQuery, Value, ViewShape};
use cqrs_core::{Meta, Tag, Timestamp};
use cqrs_test_servers::{Database, Postgres};

use uuid::Uuid;

use crate::connect::Purpose;
use crate::connection::Connection;
use crate::query::statements;
use crate::sql::Sql;
use crate::{PostgresLog, filter, rows, schema, views};

const SCHEMA: &str = "\"public\"";

/// A log of many orders with two events each, and few customers; before or after `ANALYZE`.
async fn filled(analyzed: bool) -> (Database, Arc<Connection>) {
    let database = Postgres::shared().database();
    let builder = PostgresLog::builder(database.url());
    let place = builder.0.place(database.url()).expect("a place");
    let log = builder.open().await.expect("a log");
    log.views().expect("views").prepare(&SHAPE).await.expect("a table");
    let connection = place.connect(Purpose::Write).await.expect("a connection");
    let meta = r#"{"correlation":"0192f0c1-2b3c-7d4e-8f90-a1b2c3d4e5f6","at":"2026-01-31T12:00:00.000001Z"}"#;
    let fill = format!(
        "INSERT INTO cqrs_events SELECT p, gen_random_uuid(), CASE WHEN p % 500 = 0 THEN 'Rare' WHEN p % 2 = 0 THEN 'Opened' ELSE 'Closed' END, 1,
             ARRAY['customer:' || p % 10, 'order:' || p / 2], repeat('x', 100), '{meta}', now() FROM generate_series(1, 20000) p;
         INSERT INTO cqrs_event_tags SELECT tag, position, name FROM cqrs_events, unnest(tags) tag;"
    );
    let fill = if analyzed { format!("{fill} ANALYZE;") } else { fill };
    connection.send_text(fill).await.expect("many events");
    (database, connection)
}

async fn plan(connection: &Arc<Connection>, mut sql: Sql) -> String {
    sql.text = format!("EXPLAIN (COSTS OFF) {}", sql.text);
    sql.once = true;
    lines(&connection.query(sql).await.expect("a plan"))
}

/// An event for a position.
pub(crate) fn event(position: Position) -> RecordedEvent {
    let header = EventHeader {
        position,
        id: Uuid::now_v7(),
        name: "Happened".into(),
        version: 1,
        tags: Vec::new(),
        meta: Arc::new(Meta::new()),
        recorded_at: Timestamp::now(),
    };
    RecordedEvent::new(header, "{}".into())
}

fn lines(rows: &[tokio_postgres::Row]) -> String {
    rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
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
    assert!(!plan.contains("Seq Scan") && !plan.contains("Hash Join"), "it scans a table:\n{plan}");
}

#[tokio::test]
async fn queries_use_the_indexes() {
    let many: Vec<QueryItem> =
        (0..500).map(|number| item(&["Opened", "Closed"], &[&format!("order:{number}")])).collect();
    let mixed = vec![item(&["Opened"], &["order:1"]), item(&[], &["order:2"]), item(&["Rare"], &[])];
    for analyzed in [false, true] {
        let (_database, connection) = filled(analyzed).await;
        let mut asked = vec![
            (vec![item(&[], &["order:1"])], "cqrs_event_tags_pkey"),
            (vec![item(&["Opened", "Closed"], &["order:1"])], "cqrs_event_tags_pkey"),
            (vec![item(&[], &["customer:1"])], "cqrs_event_tags_pkey"),
            (many.clone(), "cqrs_event_tags_pkey"),
            (vec![item(&["Opened"], &["order:1", "customer:2"])], "cqrs_event_tags_pkey"),
            (mixed.clone(), "cqrs_event_tags_pkey"),
        ];
        if analyzed {
            // Without statistics, the server does not know which names are rare.
            asked.push((vec![item(&["Rare"], &[])], "cqrs_events_by_name"));
            asked.push((vec![item(&["Rare", "Never"], &[])], "cqrs_events_by_name"));
        }
        for (items, wanted) in asked {
            let mut statements = statements(SCHEMA, &EventQuery { items }, Position::new(5), 100);
            assert_eq!(statements.len(), 1);
            let plan = plan(&connection, statements.remove(0)).await;
            touches_only(&plan, &[wanted, "Index Scan using cqrs_events_pkey"]);
        }
        for sql in statements(SCHEMA, &EventQuery::all(), Position::new(5), 100) {
            touches_only(&plan(&connection, sql).await, &["Index Scan using cqrs_events_pkey"]);
        }
        let ends = plan(&connection, crate::events::last(SCHEMA, Position::new(5))).await;
        touches_only(&ends, &["Scan Backward using cqrs_events_pkey", "Index Scan using cqrs_events_pkey"]);
        let ids = crate::events::ids(SCHEMA, &[Position::new(5).into(), Position::new(7_000).into()]);
        touches_only(&plan(&connection, ids).await, &["cqrs_events_pkey"]);
    }
}

/// After a few runs, a prepared statement gets a generic plan.
#[tokio::test]
async fn one_aggregate_costs_its_own_events_with_any_plan() {
    for analyzed in [false, true] {
        let (_database, connection) = filled(analyzed).await;
        let query = EventQuery { items: vec![item(&["Opened", "Closed"], &["order:1"])] };
        let sql = statements(SCHEMA, &query, Position::new(5), 100).remove(0);
        assert!(!sql.once, "it stays prepared");
        let types: Vec<String> =
            sql.parameters.iter().map(|(_, kind)| kind.name().replace("_text", "text[]")).collect();
        let prepare =
            format!("SET plan_cache_mode = force_generic_plan; PREPARE one ({}) AS {}", types.join(", "), sql.text);
        connection.send_text(prepare).await.expect("a statement");
        let mut explain = Sql::new("EXPLAIN (COSTS OFF) EXECUTE one (5, 100, 'order:1', ARRAY['Opened', 'Closed'])");
        explain.once = true;
        let plan = lines(&connection.query(explain).await.expect("a plan"));
        touches_only(&plan, &["cqrs_event_tags_pkey", "Index Scan using cqrs_events_pkey"]);
        assert!(!plan.contains("Sort"), "it is sorted by the index, so a page costs no more than its events:\n{plan}");
    }
}

#[tokio::test]
async fn a_command_is_looked_up_by_its_id() {
    let (_database, connection) = filled(true).await;
    let fill =
        "INSERT INTO cqrs_commands SELECT 'id-' || p, 'C', p, 1, 'null' FROM generate_series(1, 50000) p; ANALYZE";
    connection.send_text(fill.into()).await.expect("many commands");
    let ids: Vec<_> = (0..50).map(|number| cqrs_core::CommandId::new(&format!("id-{number}"))).collect();
    touches_only(
        &plan(&connection, crate::commands::find(SCHEMA, &ids)).await,
        &["cqrs_commands_pkey", "cqrs_events_pkey"],
    );
}

#[tokio::test]
async fn a_snapshot_is_looked_up_by_its_key_with_any_plan() {
    for plans in ["force_custom_plan", "force_generic_plan"] {
        let (_database, connection) = filled(true).await;
        let fill = "INSERT INTO cqrs_snapshots SELECT 'Order', 'order:' || p, 1, p, gen_random_uuid(), '{}'
                    FROM generate_series(1, 20000) p; ANALYZE";
        connection.send_text(fill.into()).await.expect("many snapshots");
        let sql = crate::snapshots::look_up(SCHEMA, &[]);
        assert!(!sql.once, "it stays prepared");
        let prepare =
            format!("SET plan_cache_mode = {plans}; PREPARE look_up (text[], text[], bigint[]) AS {}", sql.text);
        connection.send_text(prepare).await.expect("a statement");
        let keys = "array_fill('Order'::text, ARRAY[5000]), array_fill('order:7'::text, ARRAY[5000]), array_fill(1, ARRAY[5000])";
        let mut explain = Sql::new(format!("EXPLAIN (COSTS OFF) EXECUTE look_up ({keys})"));
        explain.once = true;
        touches_only(&lines(&connection.query(explain).await.expect("a plan")), &["cqrs_snapshots_pkey"]);
    }
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

/// A row of one of so many customers.
fn row(number: i64, customers: i64) -> Row {
    Row {
        key: number.to_string(),
        indexes: vec![Value::Text(format!("customer {}", number % customers)), Value::Integer(number)],
        multi_values: vec![Vec::new(), Vec::new()],
        document: "{}".into(),
        position: Position::new(1),
    }
}

/// Stores rows, with the statistics that plans are made of.
async fn store(connection: &Arc<Connection>, shape: &ViewShape, rows: &[Row]) {
    for sql in rows::write(SCHEMA, "test", shape, rows, &[]).expect("statements") {
        connection.query(sql).await.expect("many rows");
    }
    connection.send_text("ANALYZE".into()).await.expect("statistics");
}

#[tokio::test]
async fn searches_use_the_indexes() {
    let (_database, connection) = filled(false).await;
    let row = |number| row(number, 500);
    let many: Vec<Row> = (0..5_000).map(row).collect();
    store(&connection, &SHAPE, &many).await;
    let all = || Filter::All(Vec::new());
    let by = |value| Filter::Compare("customer", Comparison::Equal, value);
    let query = |filter, order| RowQuery { order, limit: Some(10), ..RowQuery::new(filter) };
    let more = Filter::Compare("total", Comparison::Greater, Value::Integer(4_990));
    let find = |query: &RowQuery| filter::find(SCHEMA, "test", &SHAPE, query);
    let customer = Value::Text("customer 7".into());
    for (sql, wanted) in [
        (find(&query(by(customer.clone()), vec![])), "cqrs_index_0"),
        (find(&query(by(Value::Null), vec![])), "cqrs_index_0"),
        (filter::rows_by(SCHEMA, "test", &SHAPE, "customer", &[customer]), "cqrs_index_0"),
        (find(&query(more, vec![])), "cqrs_index_1"),
        (find(&query(all(), vec![("total", false)])), "cqrs_index_1"),
        (find(&query(all(), vec![("total", true)])), "Scan Backward using \"cqrs_index_1"),
        (Ok(rows::by_keys(SCHEMA, &SHAPE, &["1".into(), "2".into()])), "--_pkey"),
    ] {
        let plan = plan(&connection, sql.expect("a statement")).await;
        touches_only(&plan, &[wanted]);
    }
}

/// Wherever it is, a page is read from ranges of an index, already sorted.
#[tokio::test]
async fn every_part_of_a_page_is_a_range_of_an_index_in_its_order() {
    let (_database, connection) = filled(false).await;
    let row = |number| row(number, 5);
    let many: Vec<Row> = (0..20_000).map(row).collect();
    store(&connection, &SHAPE, &many).await;
    let every = || Filter::All(Vec::new());
    let customer = || Filter::Compare("customer", Comparison::Equal, Value::Text("customer 3".into()));
    for (filter, order, values) in [
        (every(), vec![], vec![]),
        (customer(), vec![], vec![]),
        (every(), vec![("total", false)], vec![Value::Integer(10_000)]),
        (every(), vec![("total", true)], vec![Value::Integer(10_000)]),
        (every(), vec![("customer", true)], vec![Value::Text("customer 3".into())]),
    ] {
        for reversed in [false, true] {
            let start = Some(Place { values: values.clone(), key: "5".into(), inclusive: false });
            let order = order.clone();
            let query = RowQuery { order, reversed, start, limit: Some(10), ..RowQuery::new(filter.clone()) };
            let sql = filter::find(SCHEMA, "test", &SHAPE, &query).expect("a statement");
            let plan = plan(&connection, sql).await;
            assert!(!plan.contains("Seq Scan") && plan.contains("Index Scan"), "{query:?}\n{plan}");
            // Only the few rows of the parts may be sorted, never those of a table.
            for (sort, _) in plan.match_indices("Sort Key") {
                let below = plan[sort..].lines().nth(1).unwrap_or_default();
                let is_small = ["Limit", "Append", "Presorted", "->  Sort"].iter().any(|part| below.contains(part));
                assert!(is_small, "{query:?}\n{plan}");
            }
        }
    }
}

/// A value that few rows have is looked up, and one that many have is checked along the order.
#[tokio::test]
async fn the_values_of_a_multi_valued_index_are_looked_up() {
    let (_database, connection) = filled(false).await;
    let text = |text: String| Value::Text(text);
    let row = |number| {
        let tags = vec![text("all".into()), text(format!("rare {}", number % 4_000))];
        Row { multi_values: vec![tags, Vec::new()], ..row(number, 500) }
    };
    let many: Vec<Row> = (0..20_000).map(row).collect();
    store(&connection, &SHAPE, &many).await;
    let has = |value: &str| Filter::Has("tags", vec![text(value.into())]);
    let customer = || Filter::Compare("customer", Comparison::Equal, text("customer 7".into()));
    let newest = |filter| RowQuery { order: vec![("total", true)], limit: Some(10), ..RowQuery::new(filter) };
    let find = |query: &RowQuery| filter::find(SCHEMA, "test", &SHAPE, query);
    let every = Filter::All(Vec::new());
    for (sql, wanted) in [
        (find(&newest(has("rare 7"))), &["cqrs_multi_values_0", "--_pkey"][..]),
        (find(&newest(has("all"))), &["Scan Backward using \"cqrs_index_1", "cqrs_multi_"]),
        (find(&newest(Filter::All(vec![has("all"), customer()]))), &["cqrs_index_", "cqrs_multi_"]),
        (filter::count(SCHEMA, "test", &SHAPE, &has("rare 7")), &["cqrs_multi_values_0"]),
        (
            filter::rows_by(SCHEMA, "test", &SHAPE, "tags", &[text("rare 7".into())]),
            &["cqrs_multi_values_0", "--_pkey"],
        ),
    ] {
        let plan = plan(&connection, sql.expect("a statement")).await;
        touches_only(&plan, wanted);
    }
    let cloud = filter::count_by(SCHEMA, "test", &SHAPE, &every, "tags", Some(10)).expect("a statement");
    let plan = plan(&connection, cloud).await;
    assert!(!plan.contains("cqrs_view"), "a tag cloud reads the values alone:\n{plan}");
}

/// The same with a compound index.
const SORTED: ViewShape = ViewShape { name: "Sorted", compounds: &[&["customer", "total"]], ..SHAPE };

/// A page of one customer in the order of the other field is one range of the compound index.
#[tokio::test]
async fn a_compound_index_sorts_a_page() {
    let (_database, connection) = filled(false).await;
    for sql in views::make_tables(SCHEMA, &SORTED) {
        connection.query(sql).await.expect("a table");
    }
    let row = |number| row(number, 5);
    let many: Vec<Row> = (0..20_000).map(row).collect();
    store(&connection, &SORTED, &many).await;
    let customer = Filter::Compare("customer", Comparison::Equal, Value::Text("customer 3".into()));
    for descends in [false, true] {
        let order = vec![("total", descends)];
        let query = RowQuery { order, limit: Some(10), ..RowQuery::new(customer.clone()) };
        let sql = filter::find(SCHEMA, "test", &SORTED, &query).expect("a statement");
        let plan = plan(&connection, sql).await;
        touches_only(&plan, &["cqrs_compound_0"]);
        assert!(!plan.contains("Sort"), "{plan}");
    }
}

/// The locks of two schemas are four different ones.
#[test]
fn all_locks_differ() {
    let keys = [schema::lock_keys("public"), schema::lock_keys("shop")];
    let mut all: Vec<i64> = keys.iter().flat_map(|(log, schema)| [*log, *schema]).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 4);
}
