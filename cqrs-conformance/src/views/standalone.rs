//! What a separate view store must do in addition: leases, and builds that take a view's place.

use std::sync::Arc;
use std::time::Duration;

use super::{Held, PLAIN, Site, THINGS, all_parked, checkpoint, every_row, keys, parked, prepared, row, write};
use cqrs_core::log::StoreError;
use cqrs_core::view::{Checkpoint, Generation, Lease, Parked, ViewShape, ViewStore};
use cqrs_core::{Bookmark, Position};

/// How a store keeps a transaction together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transactions {
    /// By locks: a lease cannot be taken over while a transaction under it is under way.
    Locking,
    /// By collecting what is to be written until the commit: a lease may be taken over in between.
    Buffered,
}

/// Longer than any check takes.
const LONG: Duration = Duration::from_secs(600);

const ONE: &[&str] = &["One"];

async fn lease(views: &dyn ViewStore, owner: &str, time: Duration) -> Option<Lease> {
    let leases = views.lease(ONE, owner, time).await.expect("a lease can be asked for");
    assert_eq!(leases.len(), 1, "there is an answer for each projection");
    leases.into_iter().next().flatten()
}

/// One owner at a time runs a projection. An owner that renews keeps its token; one that takes over, after the time or when it is given
/// back, has a greater one.
pub async fn a_lease_has_one_owner(views: Arc<dyn ViewStore>) {
    let first = lease(&*views, "a", LONG).await.expect("a free projection can be had");
    assert_eq!(lease(&*views, "a", LONG).await, Some(first.clone()), "an owner that renews keeps its token");
    assert_eq!(lease(&*views, "b", LONG).await, None, "what is taken cannot be had");
    let both = views.lease(&["Two", "One"], "b", LONG).await.expect("leases can be asked for");
    let tokens: Vec<_> = both.iter().map(|lease| lease.as_ref().map(|lease| lease.projection)).collect();
    assert_eq!(tokens, [Some("Two"), None], "projections are leased one by one, and answered in their order");
    views.release(std::slice::from_ref(&first)).await.expect("a lease can be given back");
    let second = lease(&*views, "b", LONG).await.expect("what was given back can be had");
    assert!(second.token > first.token, "a new owner has a greater token");
    views.release(std::slice::from_ref(&first)).await.expect("an old lease can be given back");
    assert_eq!(lease(&*views, "a", LONG).await, None, "a former owner gives nothing back");
    lease(&*views, "b", Duration::ZERO).await.expect("a lease can be renewed for no time");
    let third = lease(&*views, "a", LONG).await.expect("what has run out can be had");
    assert!(third.token > second.token, "a new owner has a greater token");
    lease(&*views, "a", Duration::ZERO).await.expect("a lease can be renewed for no time");
    assert_eq!(lease(&*views, "a", LONG).await, Some(third), "what has run out, and nobody took, is as it was");
}

/// A store says who holds a lease, while it has not run out and was not given back.
pub async fn a_lease_tells_its_owner(views: Arc<dyn ViewStore>) {
    let holders = async |names: &[&'static str]| views.holders(names).await.expect("holders can be asked for");
    let owner = |name: &str| Some(name.to_owned());
    assert_eq!(holders(ONE).await, [None], "what was never taken has no holder");
    assert_eq!(holders(&[]).await, [] as [Option<String>; 0], "no names have no holders");
    let first = lease(&*views, "it's \"a\" é", LONG).await.expect("a free projection can be had");
    let two = views.lease(&["Two@wanted"], "b", LONG).await.expect("a lease can be asked for");
    assert!(two[0].is_some(), "a free projection can be had");
    let found = holders(&["Two@wanted", "Nobody", "One", "Two@wanted"]).await;
    let expected = [owner("b"), None, owner("it's \"a\" é"), owner("b")];
    assert_eq!(found, expected, "holders come in the order of the names");
    lease(&*views, "b", LONG).await;
    assert_eq!(holders(ONE).await, [owner("it's \"a\" é")], "who was refused holds nothing");
    views.release(std::slice::from_ref(&first)).await.expect("a lease can be given back");
    assert_eq!(holders(ONE).await, [None], "what was given back has no holder");
    lease(&*views, "b", LONG).await.expect("what was given back can be had");
    assert_eq!(holders(ONE).await, [owner("b")], "the new owner is the holder");
    lease(&*views, "b", Duration::ZERO).await.expect("a lease can be renewed for no time");
    assert_eq!(holders(ONE).await, [None], "what has run out has no holder");
}

/// A transaction under a lease that was taken over moves no checkpoint and puts no row back.
pub async fn who_lost_the_lease_changes_nothing(views: Arc<dyn ViewStore>, transactions: Transactions) {
    let site = Site::Alone(Arc::clone(&views));
    prepared(&site, &[THINGS]).await;
    let at = |position| Checkpoint::at(Position::new(position).into(), THINGS.fingerprint);
    let old = lease(&*views, "a", LONG).await.expect("a free projection can be had");
    let mut tx = begin(&*views, &old).await.expect("a transaction can be started under a lease");
    write(&mut tx, &THINGS, &[row("a", 1), row("gone", 1), row("stays", 1)], &[]).await;
    tx.reach(&[("One", at(1))]).await;
    tx.commit().await.expect("a transaction can be committed under its lease");

    let mut late = None;
    if transactions == Transactions::Buffered {
        let mut tx = begin(&*views, &old).await.expect("a transaction can be started under a lease");
        late_work(&mut tx).await;
        late = Some(tx);
    }
    lease(&*views, "a", Duration::ZERO).await.expect("a lease can be renewed for no time");
    let new = lease(&*views, "b", LONG).await.expect("what has run out can be had");
    let take_over = async || {
        let mut tx = begin(&*views, &new).await.expect("a transaction can be started under a lease");
        write(&mut tx, &THINGS, &[row("a", 5), row("new", 5)], &["gone".into()]).await;
        tx.reach(&[("One", at(5))]).await;
        tx.commit().await.expect("a transaction can be committed under its lease");
    };
    take_over().await;
    // What was collected before, and what is begun after.
    if let Some(late) = late {
        assert!(late.commit().await.is_err(), "who lost the lease cannot commit");
    }
    let late = match begin(&*views, &old).await {
        Ok(mut tx) => {
            late_work(&mut tx).await;
            tx.commit().await
        }
        Err(error) => Err(error),
    };
    assert!(late.is_err(), "who lost the lease cannot commit");
    let other = ViewShape { fingerprint: 17, ..THINGS };
    if let Ok(mut tx) = views.begin(std::slice::from_ref(&old)).await
        && tx.prepare(&other).await.is_ok()
    {
        assert!(tx.commit().await.is_err(), "who lost the lease cannot commit");
    }
    let mut tx = views.begin(std::slice::from_ref(&new)).await.expect("a transaction can be started under a lease");
    tx.prepare(&THINGS).await.expect("what is there can be prepared once more");
    tx.prepare(&PLAIN).await.expect("a view can be prepared under a lease");
    tx.commit().await.expect("a transaction can be committed under its lease");
    assert_eq!(every_row(&*views, &PLAIN).await, [], "a view that was prepared under a lease is there, and empty");
    assert_eq!(checkpoint(&*views, "One").await, Some(at(5)), "who lost the lease moves no checkpoint");
    let rows = every_row(&*views, &THINGS).await;
    assert_eq!(keys(&rows)[..2], ["a", "new"], "who lost the lease brings no removed row back");
    assert_eq!(
        rows[..2],
        [row("a", 5), row("new", 5)],
        "who lost the lease puts no older row in the place of a newer one"
    );
}

async fn late_work(tx: &mut Held) {
    write(tx, &THINGS, &[row("a", 2), row("gone", 2), row("new", 2)], &[]).await;
    tx.reach(&[("One", Checkpoint::at(Position::new(2).into(), THINGS.fingerprint))]).await;
}

async fn begin(views: &dyn ViewStore, lease: &Lease) -> Result<Held, StoreError> {
    views.begin(std::slice::from_ref(lease)).await.map(Held::Alone)
}

/// A shadow build takes its place with all that belongs to it, also that of one of another shape, and that of
/// none.
pub async fn a_view_built_beside_takes_its_place(views: Arc<dyn ViewStore>) {
    let site = Site::Alone(Arc::clone(&views));
    let old = ViewShape { indexes: &[], compounds: &[], fingerprint: 17, ..THINGS };
    for before in [Some(THINGS), Some(old), None] {
        let live = Generation { shape: THINGS, projection: "Live" };
        let next_shape = ViewShape { name: "Things@next", fingerprint: 18, ..THINGS };
        let next = Generation { shape: next_shape, projection: "Live@next" };
        let at = |position: u64, shape: &ViewShape| {
            Checkpoint::at(Bookmark::new(Position::new(position), uuid::Uuid::from_u128(7)), shape.fingerprint)
        };
        if let Some(before) = before {
            prepared(&site, &[before]).await;
            let mut tx = site.begin().await;
            let row = cqrs_core::view::Row {
                indexes: row("old", 1).indexes[..before.indexes.len()].to_vec(),
                ..row("old", 1)
            };
            write(&mut tx, &before, &[row], &[]).await;
            tx.reach(&[("Live", at(1, &before))]).await;
            tx.view_rows().park(&[parked("Live", "was"), parked("Other", "x")]).await.expect("keys can be parked");
            tx.commit().await.expect("a transaction can be committed");
        }
        prepared(&site, &[next_shape]).await;
        let mut tx = site.begin().await;
        write(&mut tx, &next_shape, &[row("new", 2)], &[]).await;
        tx.reach(&[("Live@next", at(2, &next_shape))]).await;
        tx.view_rows().park(&[parked("Live@next", "is")]).await.expect("keys can be parked");
        tx.commit().await.expect("a transaction can be committed");
        if before == Some(THINGS) {
            assert_eq!(
                keys(&every_row(&*views, &THINGS).await),
                ["old"],
                "a view is read while its shadow build goes on"
            );
        }
        let mut tx = site.begin().await;
        write(&mut tx, &next_shape, &[row("newer", 3)], &[]).await;
        tx.view_rows().replace(live, next).await.expect("a view can take another's place");
        tx.commit().await.expect("a transaction can be committed");
        assert_eq!(keys(&every_row(&*views, &THINGS).await), ["new", "newer"], "the new rows are the view's now");
        assert_eq!(checkpoint(&*views, "Live").await, Some(at(2, &THINGS)), "the checkpoint goes with the rows");
        assert_eq!(checkpoint(&*views, "Live@next").await, None, "there is no shadow build any more");
        let mut expected = vec![Parked { projection: "Live".into(), ..parked("", "is") }];
        expected.extend(before.map(|_| parked("Other", "x")));
        assert_eq!(all_parked(&*views).await, expected, "parked keys go with the rows, and others stay");

        prepared(&site, &[THINGS]).await;
        assert_eq!(every_row(&*views, &THINGS).await.len(), 2, "the view has the shape that it is prepared with");
        let mut tx = site.begin().await;
        write(&mut tx, &THINGS, &[row("after", 4)], &["new".into()]).await;
        tx.commit().await.expect("a transaction can be committed");
        assert_eq!(keys(&every_row(&*views, &THINGS).await), ["after", "newer"], "the view goes on");
        let mut tx = site.begin().await;
        tx.view_rows().clear(Some(&THINGS), "Live").await.expect("a view can be cleared");
        tx.view_rows().unpark("Other", "x").await.expect("a key can be parked no longer");
        tx.commit().await.expect("a transaction can be committed");
    }
}
