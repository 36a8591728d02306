//! Texts that PostgreSQL itself could not hold.

use cqrs_runtime::log::{CommandRecord, EventLog, EventQuery, Position};
use cqrs_runtime::view::{ColumnKind, Comparison, Filter, IndexShape, Parked, Row, RowQuery, Value, ViewShape};
use cqrs_runtime::{CommandId, Tag};

use crate::support::{event, log};

/// Too long for an index, and incompressible. Only its end varies.
fn long(end: &str) -> String {
    let mut state = 1_u32;
    let letters = (0..6_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'!' + (state >> 24) as u8 % 90)
    });
    letters.collect::<String>() + end
}

pub fn texts() -> Vec<String> {
    vec!["a\0b".into(), "\0".into(), "\u{1}".into(), "\u{1}\u{1}".into(), "a".into(), long("a"), long("b"), long("\0")]
}

#[tokio::test]
async fn every_text_is_a_tag_a_name_a_command_id_and_data() {
    let (_database, log) = log().await;
    let texts = texts();
    let mut tx = log.begin().await.unwrap();
    let events: Vec<_> = (1..).zip(&texts).map(|(place, text)| event(Position::new(place), text, text)).collect();
    let record = |(place, text): (u64, &String)| CommandRecord {
        id: CommandId::new(text),
        command: text.clone().into(),
        position: Position::new(place),
        events: 1,
        returned: text.as_str().into(),
        content: None,
        recorded_at: event(Position::new(place), text, text).header().recorded_at,
    };
    let records: Vec<_> = (1..).zip(&texts).map(record).collect();
    tx.append(&events, &records).await.unwrap();
    tx.commit().await.unwrap();
    for (text, event) in texts.iter().zip(&events) {
        let page = log.read(&EventQuery::tagged(Tag::from_text(text)), Position::START, 10).await.unwrap();
        assert_eq!(page.events, std::slice::from_ref(event));
    }
    let ids: Vec<_> = texts.iter().map(|text| CommandId::new(text)).collect();
    let known = log.begin().await.unwrap().commands(&ids).await.unwrap();
    assert_eq!(known.into_iter().flatten().collect::<Vec<_>>(), records);
    let mut listed = log.command_records(None, 100).await.unwrap();
    listed.sort_by_key(|record| record.position);
    assert_eq!(listed, records);
}

const NOTES: ViewShape = ViewShape {
    name: "NotesOfWhichThereAreSoManyThatTheNameOfTheirTableIsLongerThanNamesMayBe",
    key: "note",
    indexes: &[
        IndexShape {
            name: "a_column_whose_name_is_longer_than_names_may_be_in_this_database_a",
            kind: ColumnKind::Text,
        },
        IndexShape {
            name: "a_column_whose_name_is_longer_than_names_may_be_in_this_database_b",
            kind: ColumnKind::Text,
        },
    ],
    multi_indexes: &[],
    compounds: &[],
    fingerprint: 7,
};

#[tokio::test]
async fn every_text_is_a_views_key_an_index_and_a_document() {
    let (_database, log) = log().await;
    let views = log.views().unwrap();
    views.prepare(&NOTES).await.unwrap();
    let row = |text: &String| Row {
        key: text.clone(),
        indexes: vec![Value::Text(text.clone()), Value::Null],
        multi_values: Vec::new(),
        document: text.as_str().into(),
        position: Position::new(1),
    };
    let rows: Vec<Row> = texts().iter().map(row).collect();
    let parked: Vec<Parked> = texts()
        .into_iter()
        .map(|key| Parked {
            projection: "P".into(),
            position: Position::new(1),
            event: key.clone(),
            error: key.clone(),
            attempts: 1,
            key,
        })
        .collect();
    let mut tx = log.begin().await.unwrap();
    tx.views().unwrap().write(&NOTES, &rows, &[]).await.unwrap();
    tx.views().unwrap().write(&NOTES, &rows, &[]).await.unwrap();
    tx.views().unwrap().park(&parked).await.unwrap();
    tx.views().unwrap().park(&parked).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(views.parked().await.unwrap().len(), parked.len());
    assert!(views.parked().await.unwrap().iter().all(|entry| parked.contains(entry)));
    for row in &rows {
        let found = views.rows(&NOTES, std::slice::from_ref(&row.key)).await.unwrap();
        assert_eq!((&found[0].key, &found[0].document, found.len()), (&row.key, &row.document, 1));
        let filter = Filter::Compare(NOTES.indexes[0].name, Comparison::Equal, row.indexes[0].clone());
        let query = RowQuery::new(filter);
        let found = views.find(&NOTES, &query).await.unwrap();
        assert_eq!((&found[0].key, found.len()), (&row.key, 1), "it is found by its index");
    }
}
