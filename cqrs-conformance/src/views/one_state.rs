//! Snapshots: all reads of one see one state.

use super::{Site, THINGS, prepared, row, write};
use cqrs_core::view::{Comparison, Filter, RowQuery, Value, ViewShape};

/// All reads of a snapshot see the state of its first one, and another snapshot sees the newest. A store without snapshots has
/// nothing to keep.
pub async fn a_snapshot_is_one_state(site: Site) {
    let other = ViewShape { name: "OtherThings", fingerprint: 9, ..THINGS };
    let views = prepared(&site, &[THINGS, other]).await;
    let put = async |key: &str| {
        let mut tx = site.begin().await;
        write(&mut tx, &THINGS, &[row(key, 1)], &[]).await;
        write(&mut tx, &other, &[row(key, 1)], &[]).await;
        tx.commit().await.expect("a transaction can be committed");
    };
    put("1").await;
    let (Some(first), Some(unread)) = (views.snapshot(), views.snapshot()) else { return };
    let every = Filter::All(Vec::new());
    assert_eq!(first.count(&THINGS, &every).await.ok(), Some(1));
    put("2").await;
    for (snapshot, rows) in [(&first, 1), (&unread, 2), (&first, 1)] {
        for shape in [&THINGS, &other] {
            assert_eq!(snapshot.count(shape, &every).await.ok(), Some(rows), "a snapshot counts its rows");
            let found = snapshot.find(shape, &RowQuery::all()).await.expect("a snapshot can be searched");
            assert_eq!(found.len() as u64, rows, "a snapshot finds its rows");
            let by_key = snapshot.rows(shape, &["1".into(), "2".into()]).await.expect("a snapshot can be read");
            assert_eq!(by_key.len() as u64, rows, "a snapshot has its rows by their keys");
            let counted = snapshot.count_by(shape, &every, "order", None).await;
            assert_eq!(counted.ok(), Some(vec![(Value::Bool(true), rows)]), "a snapshot counts by an index");
            let sum = snapshot.sum(shape, &every, "position").await;
            assert_eq!(sum.ok(), Some(Value::Integer(if rows == 1 { 1 } else { 3 })), "a snapshot adds its rows up");
            let is_two = Filter::Key(Comparison::Equal, "2".into());
            assert_eq!(snapshot.exists(shape, &is_two).await.ok(), Some(rows == 2), "a snapshot knows its rows");
        }
    }
    // Two reads at the same time are one after the other.
    let (a, b) = tokio::join!(first.count(&THINGS, &every), first.count(&other, &every));
    assert_eq!((a.ok(), b.ok()), (Some(1), Some(1)));
    drop(first);
    assert_eq!(views.count(&THINGS, &every).await.ok(), Some(2), "the store itself reads the newest state");
}
