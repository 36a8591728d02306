//! What is committed shows at once, and nothing else does.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{
    Site, THINGS, all_parked, checkpoint, end, every_row, own_rows, parked, prepared, row, save, stored_rows, write,
};
use crate::log::{begin, event};
use cqrs_core::Position;
use cqrs_core::log::EventLog;
use cqrs_core::view::{Checkpoint, Filter};

/// A savepoint takes back everything since, or keeps it; one may be inside another.
pub async fn a_savepoint_is_undone_or_kept(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let at = |position| Checkpoint::at(Position::new(position).into(), 1);
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("kept", 1), row("changed", 1)], &[]).await;
    tx.reach(&[("One", at(1))]).await;
    save(&mut tx).await;
    write(&mut tx, &THINGS, &[row("changed", 2), row("undone", 2)], &["kept".into()]).await;
    tx.reach(&[("One", at(2))]).await;
    tx.view_rows().park(&[parked("One", "undone")]).await.expect("keys can be parked");
    end(&mut tx, true).await;
    let before = [row("changed", 1), row("kept", 1)];
    assert_eq!(own_rows(&mut tx, &["kept", "changed", "undone"]).await, before, "an undone savepoint takes rows back");
    assert_eq!(tx.reached(&["One"]).await, [Some(at(1))], "an undone savepoint takes checkpoints back");
    assert_eq!(tx.own_parked().await, [], "an undone savepoint takes parked keys back");
    save(&mut tx).await;
    write(&mut tx, &THINGS, &[row("outer", 3)], &[]).await;
    save(&mut tx).await;
    write(&mut tx, &THINGS, &[row("inner", 3)], &[]).await;
    end(&mut tx, true).await;
    end(&mut tx, false).await;
    save(&mut tx).await;
    write(&mut tx, &THINGS, &[row("outer", 4)], &[]).await;
    save(&mut tx).await;
    end(&mut tx, false).await;
    end(&mut tx, true).await;
    tx.commit().await.expect("a transaction can be committed");
    let after = [row("changed", 1), row("kept", 1), row("outer", 3)];
    assert_eq!(every_row(&*views, &THINGS).await, after, "a savepoint undoes what came after it, and only that");
}

/// A transaction that is dropped leaves no row, no checkpoint and no parked key behind.
pub async fn a_dropped_transaction_leaves_no_trace(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let here = Checkpoint::at(Position::new(1).into(), 1);
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 1)], &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("b", 1)], &["a".into()]).await;
    tx.view_rows().clear(Some(&THINGS), "One").await.expect("a view can be cleared");
    tx.reach(&[("One", here)]).await;
    tx.view_rows().park(&[parked("One", "b")]).await.expect("keys can be parked");
    drop(tx);
    assert_eq!(every_row(&*views, &THINGS).await, [row("a", 1)], "a dropped transaction changes no rows");
    assert_eq!(checkpoint(&*views, "One").await, None, "a dropped transaction sets no checkpoint");
    assert_eq!(all_parked(&*views).await, [], "a dropped transaction parks nothing");
    let mut tx = site.begin().await;
    assert_eq!(own_rows(&mut tx, &["a", "b"]).await, [row("a", 1)], "a dropped transaction leaves nothing to the next");
}

/// Readers see rows as they were committed last, and wait for nobody.
pub async fn what_is_not_committed_does_not_show(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 1)], &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 2), row("b", 2)], &[]).await;
    tx.view_rows().park(&[parked("One", "b")]).await.expect("keys can be parked");
    assert_eq!(every_row(&*views, &THINGS).await, [row("a", 1)], "rows show when they are committed, not before");
    assert_eq!(stored_rows(&*views, &["a", "b"]).await, [row("a", 1)], "rows show when they are committed, not before");
    let every = Filter::All(Vec::new());
    assert_eq!(views.count(&THINGS, &every).await.expect("rows can be counted"), 1, "a count is of what is committed");
    assert_eq!(all_parked(&*views).await, [], "parked keys show when they are committed, not before");
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(every_row(&*views, &THINGS).await, [row("a", 2), row("b", 2)], "rows show once they are committed");
}

/// The events of a transaction and its views show together: none is ever seen ahead of the other.
pub async fn events_and_views_show_together(log: Arc<dyn EventLog>) {
    const ROUNDS: u64 = 60;
    let site = Site::InsideLog(Arc::clone(&log));
    let views = prepared(&site, &[THINGS]).await;
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        let (log, views) = (Arc::clone(&log), Arc::clone(&views));
        readers.spawn(async move {
            loop {
                let before = log.head().await.expect("the head can be read");
                let reached = checkpoint(&*views, "One").await.map_or(Position::START, |reached| reached.position);
                let after = log.head().await.expect("the head can be read");
                assert!(reached >= before, "an event shows before the views that were written with it");
                assert!(reached <= after, "a view shows before the events that it was written with");
                if reached == ROUNDS {
                    break;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    for position in 1..=ROUNDS {
        let mut tx = begin(&*log).await;
        tx.append(&[event(position, "Counted", &[], "{}")], &[]).await.expect("a transaction can append");
        let views = tx.views().expect("a log that keeps views writes them in its own transactions");
        let checkpoint = Checkpoint::at(Position::new(position).into(), 1);
        views.set_checkpoints(&[("One", checkpoint)]).await.expect("a transaction can set checkpoints");
        tokio::task::yield_now().await;
        tx.commit().await.expect("a transaction can be committed");
    }
    while let Some(reader) = readers.join_next().await {
        reader.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
}
