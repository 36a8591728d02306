//! Checkpoints and parked keys.

use super::{Site, THINGS, all_parked, checkpoint, parked, prepared};
use uuid::Uuid;

use cqrs_core::view::{Checkpoint, Parked};
use cqrs_core::{Bookmark, Position};

/// A checkpoint is kept with its fingerprint, seen by its own transaction at once, and absent before it was first set.
pub async fn checkpoints_are_kept(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let one = Checkpoint::at(Bookmark::new(Position::new(u64::from(u32::MAX) + 7), Uuid::max()), u64::MAX);
    let two = Checkpoint::at(Bookmark::START, 0);
    let mut tx = site.begin().await;
    let names = ["One", "Größe", "one"];
    assert_eq!(tx.reached(&names).await, [None; 3], "there is no checkpoint before the first");
    tx.reach(&[("One", Checkpoint { position: Position::new(1), ..one }), ("Größe", two)]).await;
    tx.reach(&[("One", one)]).await;
    tx.reach(&[]).await;
    assert_eq!(tx.reached(&names).await, [Some(one), Some(two), None], "checkpoints come in the order of their names");
    assert_eq!(checkpoint(&*views, "One").await, None, "a checkpoint shows when it is committed, not before");
    tx.commit().await.expect("a transaction can be committed");
    for (name, expected) in [("One", Some(one)), ("Größe", Some(two)), ("one", None)] {
        assert_eq!(checkpoint(&*views, name).await, expected, "the checkpoint of `{name}` is kept as it was set");
    }
    assert_eq!(site.begin().await.reached(&["one", "One"]).await, [None, Some(one)], "a checkpoint is kept");
}

/// Parked keys are kept, with what is wrong, until their projection is cleared.
pub async fn parked_keys_are_kept(site: Site) {
    let views = prepared(&site, &[THINGS]).await;
    let (a, b, c) = (parked("One", "a"), parked("One", "ü 'b'"), parked("Two", ""));
    let mut tx = site.begin().await;
    tx.view_rows().park(&[a.clone(), c.clone()]).await.expect("keys can be parked");
    tx.view_rows().park(&[]).await.expect("keys can be parked");
    tx.view_rows().park(std::slice::from_ref(&b)).await.expect("keys can be parked");
    assert_eq!(
        tx.own_parked().await,
        [a.clone(), b.clone(), c.clone()],
        "a transaction sees the keys that it has parked"
    );
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(all_parked(&*views).await, [a, b, c.clone()], "parked keys are kept, with event, position and error");
    let mut tx = site.begin().await;
    tx.view_rows().clear(None, "One").await.expect("a projection can be cleared");
    assert_eq!(tx.own_parked().await, std::slice::from_ref(&c), "clearing a projection forgets its parked keys alone");
    let again = Parked { attempts: 4, position: Position::new(9), ..parked("Two", "x") };
    tx.view_rows().park(&[parked("Two", "x"), parked("Two", "y")]).await.expect("keys can be parked");
    tx.view_rows().park(std::slice::from_ref(&again)).await.expect("a parked key can be parked again");
    tx.view_rows().unpark("Two", "y").await.expect("a key can be parked no longer");
    tx.view_rows().unpark("Two", "never").await.expect("a key that is not parked can be so, too");
    assert_eq!(tx.own_parked().await, [c.clone(), again.clone()], "a key is parked once, as it was last");
    tx.view_rows().unpark("Two", "x").await.expect("a key can be parked no longer");
    tx.commit().await.expect("a transaction can be committed");
    assert_eq!(all_parked(&*views).await, [c], "clearing a projection forgets its parked keys alone");
}
