//! What a store lists of everything that it holds, and what is removed from it.

use std::time::Duration;

use super::{
    PLAIN, QUOTED, Site, THINGS, all_parked, checkpoint, every_row, parked, prepared, row, sorted, stored_rows, write,
};
use cqrs_core::view::{Checkpoint, Contents, Removal, Row, ViewShape, ViewStore};
use cqrs_core::{Bookmark, Position};

/// Longer than any check takes.
const LONG: Duration = Duration::from_secs(600);

/// A build of `THINGS` that takes its place later.
const NEXT: ViewShape = ViewShape { name: "Things@next", fingerprint: 11, ..THINGS };

/// A projection whose name holds what stores escape, and another whose name only begins with it.
const ODD: &str = "it's 100% \"Größe\" * [a] \\ _";
const ODDER: &str = "it's 100% \"Größe\" * [a] \\ _@next";

async fn lease(views: &dyn ViewStore, name: &'static str, owner: &str, time: Duration) {
    let leases = views.lease(&[name], owner, time).await.expect("a lease can be asked for");
    assert!(leases[0].is_some(), "a free lease can be had");
}

/// Everything, in order.
async fn contents(views: &dyn ViewStore) -> Contents {
    let mut contents = views.contents().await.expect("a store lists what it holds");
    contents.checkpoints.sort_by(|a, b| a.0.cmp(&b.0));
    contents.views.sort();
    contents.leases.sort();
    contents
}

fn names<T>(listed: &[(String, T)]) -> Vec<&str> {
    listed.iter().map(|(name, _)| name.as_str()).collect()
}

/// Every checkpoint, view and lease is listed, once and as it is: rows that were removed do not count, and what a transaction has not
/// committed is not there.
pub async fn everything_stored_is_listed(site: Site) {
    let views = site.views();
    assert_eq!(contents(&*views).await, Contents::default(), "an empty store holds nothing");
    prepared(&site, &[THINGS, PLAIN, QUOTED]).await;
    let one = Checkpoint::at(Bookmark::new(Position::new(u64::from(u32::MAX) + 7), uuid::Uuid::max()), u64::MAX);
    let odd = Checkpoint::at(Bookmark::START, 0);
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 1), row("b", 1), row("gone", 1)], &[]).await;
    write(&mut tx, &QUOTED, &[row("a", 1)], &[]).await;
    tx.reach(&[("One", one), (ODD, odd)]).await;
    tx.commit().await.expect("a transaction can be committed");
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("a", 2)], &["gone".into()]).await;
    tx.commit().await.expect("a transaction can be committed");
    let mut tx = site.begin().await;
    write(&mut tx, &THINGS, &[row("never", 3)], &[]).await;
    tx.reach(&[("Never", one)]).await;
    drop(tx);
    lease(&*views, "held", "a", LONG).await;
    lease(&*views, ODD, "it's \"a\"", Duration::ZERO).await;
    let given_back = views.lease(&["given back"], "a", LONG).await.expect("a lease can be asked for");
    views.release(&given_back.into_iter().flatten().collect::<Vec<_>>()).await.expect("a lease can be given back");

    let found = contents(&*views).await;
    let expected = [("One".to_owned(), one), (ODD.to_owned(), odd)];
    assert_eq!(found.checkpoints, expected, "every checkpoint is listed as it was set");
    let mut expected =
        [(THINGS.name, 2), (PLAIN.name, 0), (QUOTED.name, 1)].map(|(name, rows)| (name.to_owned(), rows));
    expected.sort();
    assert_eq!(found.views, expected, "every view is listed with the number of its rows");
    assert_eq!(names(&found.leases), ["given back", "held", ODD], "every lease is listed");
    assert_eq!(found.leases[1].1, Duration::ZERO, "a lease that is held has not run out");
    assert!(found.leases[2].1 < LONG, "a lease that has run out just now has not done so {:?} ago", found.leases[2].1);
}

/// What is removed is gone: rows, checkpoints, parked keys, and the mark; and nothing else. Not while the mark is held, or was a
/// shorter time ago than is asked for.
pub async fn what_is_not_used_is_removed(site: Site) {
    let views = prepared(&site, &[THINGS, NEXT, PLAIN, QUOTED]).await;
    let at = |shape: &ViewShape| Checkpoint::at(Position::new(1).into(), shape.fingerprint);
    let plain = Row { indexes: Vec::new(), ..row("a", 1) };
    let mut tx = site.begin().await;
    for shape in [&THINGS, &NEXT, &QUOTED] {
        write(&mut tx, shape, &[row("a", 1), row("b", 1)], &[]).await;
    }
    write(&mut tx, &PLAIN, std::slice::from_ref(&plain), &[]).await;
    tx.reach(&[(ODD, at(&THINGS)), (ODDER, at(&NEXT)), ("Other", at(&QUOTED))]).await;
    let all = [parked(ODD, ""), parked(ODD, "a"), parked(ODDER, "a"), parked("Other", ODD)];
    tx.view_rows().park(&all).await.expect("keys can be parked");
    tx.commit().await.expect("a transaction can be committed");
    lease(&*views, "Other@used", "a", Duration::ZERO).await;
    let removal = Removal { projections: vec![ODD.into()], views: vec![THINGS.name.into()] };
    let remove = async |unused| views.remove(&removal, "used", unused).await.expect("a store removes what it holds");

    let before = contents(&*views).await;
    lease(&*views, "used", "a", LONG).await;
    for unused in [Duration::ZERO, LONG] {
        assert!(!remove(unused).await, "what is marked is not removed");
    }
    lease(&*views, "used", "a", Duration::ZERO).await;
    assert!(!remove(LONG).await, "what was marked lately is not removed");
    let after = contents(&*views).await;
    assert_eq!((after.checkpoints, after.views), (before.checkpoints, before.views), "what is not removed stays");
    assert_eq!(stored_rows(&*views, &["a", "b"]).await, [row("a", 1), row("b", 1)], "what is not removed stays");
    assert_eq!(all_parked(&*views).await.len(), all.len(), "what is not removed stays");

    assert!(remove(Duration::ZERO).await, "what is not used is removed");
    assert_is_gone(&*views, &plain).await;
    assert!(remove(LONG).await, "what is not there is removed, too: nobody uses it");
    assert_is_gone(&*views, &plain).await;

    prepared(&site, &[THINGS]).await;
    assert_eq!(every_row(&*views, &THINGS).await, [], "a view that comes back after it was removed is empty");
    let mut tx = site.begin().await;
    assert_eq!(tx.reached(&[ODD]).await, [None], "a projection whose checkpoint was removed begins at the start");
    write(&mut tx, &THINGS, &[row("c", 2)], &[]).await;
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(every_row(&*views, &THINGS).await, [row("c", 2)], "a view that comes back holds what is written then");
    lease(&*views, "used", "b", LONG).await;
}

async fn assert_is_gone(views: &dyn ViewStore, plain: &Row) {
    let found = contents(views).await;
    assert_eq!(names(&found.checkpoints), ["Other", ODDER], "the checkpoint is gone, and others stay");
    let mut expected = [(NEXT.name, 2), (PLAIN.name, 1), (QUOTED.name, 2)].map(|(name, rows)| (name.to_owned(), rows));
    expected.sort();
    assert_eq!(found.views, expected, "the view is gone, and others stay");
    assert_eq!(names(&found.leases), ["Other@used"], "the mark is gone, and others stay");
    assert_eq!(checkpoint(views, ODD).await, None, "a removed checkpoint is not there");
    assert_eq!(all_parked(views).await, [parked("Other", ODD), parked(ODDER, "a")], "the parked keys are gone");
    for shape in [&NEXT, &QUOTED] {
        assert_eq!(sorted(&every_row(views, shape).await), [row("a", 1), row("b", 1)], "rows of others stay");
    }
    assert_eq!(every_row(views, &PLAIN).await, std::slice::from_ref(plain), "rows of others stay");
}
