//! Stored data of projections that nothing uses any more: an operator lists and removes it.
//!
//! Each version of a projection stores separate rows, and those of older versions stay until somebody removes them. Every
//! process marks what it uses, at its start and every hour, by the store's clock. What was not marked for a day is unused.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::App;
use crate::projection::{Generations, kept};
use cqrs_core::position::Position;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Contents, Removal, ViewStore, plain_name};

/// How old the last mark of an unused version is.
const UNUSED: Duration = Duration::from_secs(24 * 60 * 60);

/// How often a process marks what it uses, and how soon it retries.
const EVERY: Duration = Duration::from_secs(60 * 60);
const AGAIN: Duration = Duration::from_secs(10);

/// How long marking may take when an app is built.
const PATIENCE: Duration = Duration::from_secs(2);

/// The suffix of the lease that marks a projection, and its owner: the same for all processes, so that each can renew it.
const USED: &str = "@used";
const OWNER: &str = "in use";

/// A stored version of a projection that no running process uses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnusedView {
    /// The projection's name. The view's name if no checkpoint is stored.
    pub projection: String,
    /// The version: the number at the end of the names of its rows and checkpoint. `None` for an async projection, and for data
    /// from before versions were stored separately.
    pub fingerprint: Option<u64>,
    /// Every event up to this position is in its rows.
    pub position: Position,
    /// How many rows are stored.
    pub rows: u64,
    /// How long ago a process last marked it. `None` if none ever did.
    pub last_used: Option<Duration>,
    /// The database.
    pub store: String,
    removal: Removal,
    mark: String,
    unused: Duration,
}

impl App {
    /// Stored versions of projections that no process has used for a day, including those of projections that no program has
    /// any more. The app's own versions are never listed.
    ///
    /// # Errors
    /// A store cannot be reached, or cannot list what it holds.
    pub async fn unused_views(&self) -> Result<Vec<UnusedView>, StoreError> {
        self.unused_views_for(UNUSED).await
    }

    /// Like [`unused_views`](Self::unused_views), with this time instead of a day. Processes mark what they use once an hour: below two
    /// hours, the list may contain versions in use.
    ///
    /// # Errors
    /// As for [`unused_views`](Self::unused_views).
    pub async fn unused_views_for(&self, unused: Duration) -> Result<Vec<UnusedView>, StoreError> {
        let mut all = Vec::new();
        let mut stores: Vec<(&Arc<dyn ViewStore>, Vec<&Generations>)> = Vec::new();
        for slot in &self.services.reads.slots {
            match stores.iter_mut().find(|(store, _)| store.address() == slot.store.address()) {
                Some((_, own)) => own.push(&slot.generations),
                None => stores.push((&slot.store, vec![&slot.generations])),
            }
        }
        for (store, own) in stores {
            let found = listed(store.contents().await?, unused, &store.describe());
            all.extend(
                found.into_iter().filter(|view| !own.iter().any(|own| own.has(&view.projection, view.fingerprint))),
            );
        }
        all.sort_by(|a, b| (&a.store, &a.projection, a.fingerprint).cmp(&(&b.store, &b.projection, b.fingerprint)));
        Ok(all)
    }

    /// Removes the rows, checkpoints and parked keys of an unused version of a projection. Returns `false`, and removes nothing, if
    /// a process has marked the version since it was listed. A program that uses it again rebuilds it from the log.
    ///
    /// # Errors
    /// The store cannot be reached, or is not a store of this app.
    pub async fn remove_unused_view(&self, view: &UnusedView) -> Result<bool, StoreError> {
        let slot = self.services.reads.slots.iter().find(|slot| slot.store.describe() == view.store);
        let slot = slot.ok_or_else(|| StoreError::Failed {
            store: view.store.clone(),
            reason: "it is not a store of this app; list the unused views again".into(),
        })?;
        let removed = slot.store.remove(&view.removal, &view.mark, view.unused).await?;
        if removed {
            tracing::info!(projection = view.projection, fingerprint = view.fingerprint, "unused view removed");
        }
        Ok(removed)
    }
}

/// What was not used for this time, of everything that a store holds.
fn listed(contents: Contents, unused: Duration, store: &str) -> Vec<UnusedView> {
    // By version; without one, by name.
    let mut found: BTreeMap<(Option<u64>, String), UnusedView> = BTreeMap::new();
    let mut entry = |stored: &str, change: &mut dyn FnMut(&mut UnusedView, &str)| {
        let (plain, fingerprint) = plain_name(stored);
        let (name, rest) = plain.split_at(plain.find('@').unwrap_or(plain.len()));
        if name.is_empty() || name.starts_with("policy:") {
            return;
        }
        let key = (fingerprint, if fingerprint.is_some() { String::new() } else { name.to_owned() });
        let view = found.entry(key).or_insert_with(|| UnusedView {
            projection: name.to_owned(),
            fingerprint,
            position: Position::START,
            rows: 0,
            last_used: None,
            store: store.to_owned(),
            removal: Removal::default(),
            mark: marked(&fingerprint.map_or(name.to_owned(), |number| format!("{name}@{number:016x}"))),
            unused,
        });
        change(view, rest);
    };
    for (stored, rows) in contents.views {
        entry(&stored, &mut |view, _| {
            view.rows += rows;
            view.removal.views.push(stored.clone());
        });
    }
    for (stored, checkpoint) in contents.checkpoints {
        entry(&stored, &mut |view, rest| {
            let (plain, _) = plain_name(&stored);
            plain[..plain.len() - rest.len()].clone_into(&mut view.projection);
            view.mark = marked(&stored[..stored.len() - rest.len()]);
            if rest.is_empty() {
                view.position = checkpoint.position;
            }
            view.removal.projections.push(stored.clone());
        });
    }
    let is_used = |view: &UnusedView| {
        let of = |name: &str| contents.leases.iter().find(|(lease, _)| lease == name).map(|(_, idle)| *idle);
        (of(&view.mark), of(view.mark.strip_suffix(USED).unwrap_or_default()))
    };
    let listed = found.into_values().filter_map(|mut view| {
        let (marked, leased) = is_used(&view);
        view.last_used = marked;
        let is_unused = marked.is_none_or(|idle| idle >= unused) && leased != Some(Duration::ZERO);
        is_unused.then_some(view)
    });
    listed.collect()
}

fn marked(stored: &str) -> String {
    format!("{stored}{USED}")
}

/// Marks what an app uses, until it is dropped.
#[derive(Default)]
pub(crate) struct Marks(Vec<AbortHandle>);

impl Drop for Marks {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Marks {
    /// Marks a store's projections as in use, now and every hour.
    pub(super) async fn keep(&mut self, store: &Arc<dyn ViewStore>, generations: &Generations) {
        let names: Vec<&'static str> = generations.stored().map(|name| kept(marked(name))).collect();
        if names.is_empty() {
            return;
        }
        let now = tokio::time::timeout(PATIENCE, mark(&**store, &names)).await;
        let (store, mut pause) = (Arc::clone(store), if now == Ok(true) { EVERY } else { AGAIN });
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                pause = if mark(&*store, &names).await { EVERY } else { AGAIN };
            }
        });
        self.0.push(task.abort_handle());
    }
}

async fn mark(store: &dyn ViewStore, names: &[&'static str]) -> bool {
    let marked = store.lease(names, OWNER, Duration::ZERO).await;
    if let Err(error) = &marked {
        tracing::debug!(%error, "marking of used views failed; retrying");
    }
    marked.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cqrs_core::view::Checkpoint;

    #[test]
    fn what_belongs_together_is_listed_as_one_and_what_is_in_use_is_not() {
        let at = |position| Checkpoint::at(Position::new(position).into(), 1);
        let named = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), at(3))).collect::<Vec<_>>();
        let contents = Contents {
            checkpoints: named(&[
                "Orders@00000000000000aa",
                "Orders@00000000000000aa@built",
                "Orders@00000000000000aa@next@0/2",
                "Orders@00000000000000bb",
                "Orders",
                "Readings",
                "policy:pack",
                "@log",
            ]),
            views: vec![("OrderCard@00000000000000aa".into(), 5), ("OrderCard@00000000000000bb".into(), 6)],
            leases: vec![
                ("Orders@00000000000000aa@used".into(), Duration::from_secs(100)),
                ("Orders@00000000000000bb@used".into(), Duration::from_secs(10)),
                ("Readings@used".into(), Duration::ZERO),
            ],
        };
        let found = listed(contents, Duration::from_secs(60), "here");
        let seen: Vec<_> =
            found.iter().map(|view| (&*view.projection, view.fingerprint, view.rows, view.last_used)).collect();
        assert_eq!(
            seen,
            [("Orders", None, 0, None), ("Orders", Some(0xaa), 5, Some(Duration::from_secs(100)))],
            "not what was used lately, a policy, or the log's own mark"
        );
        assert_eq!(found[1].removal.projections.len(), 3, "with its shadow build and what says when it is built");
        assert_eq!(found[1].removal.views, ["OrderCard@00000000000000aa"]);
        assert_eq!(found[1].mark, "Orders@00000000000000aa@used");
    }
}
