//! What a view store without transactions must do in addition: every row and every mark guards its key by its position.

use std::sync::Arc;

use super::{Site, THINGS, every_row, prepared, row, whole};
use cqrs_core::Position;
use cqrs_core::view::{Filter, Removed, Row, ViewStore};

/// A row, and the mark that a removed one leaves, gives way to what is not older, and to nothing else.
pub async fn an_older_position_never_overwrites_a_newer_one(views: Arc<dyn ViewStore>) {
    prepared(&Site::Alone(Arc::clone(&views)), &[THINGS]).await;
    let removed = |key: &str, position| Removed { key: key.to_owned(), position: Position::new(position) };
    let write = async |put: &[Row], remove: &[Removed]| {
        let mut tx = views.begin(&[]).await.expect("a transaction can be started");
        let put: Vec<Row> = put.iter().map(|row| whole(&THINGS, row)).collect();
        tx.write(&THINGS, &put, remove).await.expect("a transaction can write rows");
        tx.commit().await.expect("what is older than the rows that are there is passed over without an error");
    };
    let numbered = |key: &str, position: u64| {
        let mut row = row(key, position);
        row.indexes[1] = cqrs_core::view::Value::Integer(position.cast_signed());
        row
    };
    // Ten is less than nine by its digits.
    write(&[numbered("a", 9), numbered("b", 9)], &[]).await;
    write(&[numbered("a", 10)], &[removed("b", 10)]).await;
    write(&[numbered("a", 9), numbered("b", 9), numbered("c", 9)], &[]).await;
    write(&[], &[removed("a", 9)]).await;
    assert_eq!(
        every_row(&*views, &THINGS).await,
        [numbered("a", 10), numbered("c", 9)],
        "an older position overwrites neither a newer row nor the mark of a newer removal"
    );
    let wanted = Filter::OneOf("position", vec![cqrs_core::view::Value::Integer(9)]);
    let counted = views.count(&THINGS, &wanted).await.expect("rows can be counted");
    assert_eq!(counted, 1, "an index does not tell of a row that was passed over");
    let mut tx = views.begin(&[]).await.expect("a transaction can be started");
    let keys = ["a", "b", "d"].map(String::from);
    let marks = tx.removed(&THINGS, &keys).await.expect("a transaction knows of removed rows");
    assert_eq!(marks, [removed("b", 10)], "a removed row leaves a mark");
    write(&[numbered("b", 10)], &[removed("a", 10)]).await;
    assert_eq!(
        every_row(&*views, &THINGS).await,
        [numbered("b", 10), numbered("c", 9)],
        "the same position takes its own place, since one event may change a row twice"
    );
    write(&[numbered("a", 11)], &[]).await;
    let rows = [numbered("a", 11), numbered("b", 10), numbered("c", 9)];
    assert_eq!(every_row(&*views, &THINGS).await, rows, "a later position is put in the place of a mark");
}
