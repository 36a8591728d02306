//! Partitioned projections: which partition has which keys, and how the store represents them.
//!
//! A projection with `n` partitions has `n` positions in the log. Each partition has its own keys, folds their events in order,
//! and has its own checkpoint, `PROJECTION@i/n`. The plain checkpoint records the partitioning: its position is `n`, and its
//! fingerprint is the shape's, changed by [`SPLIT`]. So a program that does not know partitions takes it for another shape's.
//! Rows and parked keys are stored as without partitions.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use cqrs_core::fnv::{START, fnv1a};
use cqrs_core::position::{Bookmark, Position};
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Checkpoint, ViewStore, ViewTransaction};

/// The maximum number of partitions. More would only make it slower to read the projection's position.
pub(crate) const MOST_PARTS: u32 = 256;

/// Distinguishes the plain checkpoint of a partitioned projection from that of one without partitions.
const SPLIT: u64 = 0x7370_6C69_7420_6279;

/// One partition of a projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) index: u32,
    pub(crate) of: u32,
}

impl Partition {
    pub(crate) fn all(of: u32) -> impl Iterator<Item = Self> {
        (0..of).map(move |index| Self { index, of })
    }

    /// The partition that has a key.
    pub(crate) fn of_key(key: &str, of: u32) -> Self {
        let index = hash(key) % u64::from(of);
        Self { index: u32::try_from(index).unwrap_or_default(), of }
    }

    pub(crate) fn has(self, key: &str) -> bool {
        Self::of_key(key, self.of) == self
    }

    /// The name of its checkpoint and its lease.
    pub(crate) fn name(self, projection: &str) -> &'static str {
        kept(format!("{projection}@{}/{}", self.index, self.of))
    }
}

/// FNV-1a of the key's bytes, followed by Murmur 3's final mix.
///
/// Stored rows depend on it, so it must never change between versions or platforms.
fn hash(key: &str) -> u64 {
    let mut hash = fnv1a(START, key.as_bytes());
    for factor in [0xFF51_AFD7_ED55_8CCD, 0xC4CE_B9FE_1A85_EC53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

/// The stored progress of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Nothing,
    Whole(Checkpoint),
    /// The position of each partition.
    Split {
        fingerprint: u64,
        at: Vec<Bookmark>,
    },
}

impl Stored {
    /// Reads it in a transaction.
    pub(crate) async fn in_transaction(tx: &mut dyn ViewTransaction, name: &'static str) -> Result<Self, StoreError> {
        let plain = tx.checkpoints(&[name]).await?.pop().flatten();
        let names = partition_names(plain, name);
        let parts = if names.is_empty() { Vec::new() } else { tx.checkpoints(&names).await? };
        Ok(Self::of(plain, &parts))
    }

    /// Reads it without a transaction. No partition is behind the position that is returned for it.
    pub(crate) async fn in_store(store: &dyn ViewStore, name: &'static str) -> Result<Self, StoreError> {
        let mut plain = store.checkpoint(name).await?;
        loop {
            let names = partition_names(plain, name);
            let mut parts = Vec::with_capacity(names.len());
            for name in &names {
                parts.push(store.checkpoint(name).await?);
            }
            let stored = Self::of(plain, &parts);
            if names.is_empty() || stored.number() > 1 {
                return Ok(stored);
            }
            // It has no partitions, or was repartitioned while their checkpoints were read.
            let again = store.checkpoint(name).await?;
            if again == plain {
                return Ok(stored);
            }
            plain = again;
        }
    }

    fn of(plain: Option<Checkpoint>, parts: &[Option<Checkpoint>]) -> Self {
        let Some(plain) = plain else { return Self::Nothing };
        let fingerprint = plain.fingerprint ^ SPLIT;
        let at =
            |part: &Option<Checkpoint>| part.filter(|part| part.fingerprint == fingerprint).map(|part| part.bookmark());
        match parts.iter().map(at).collect() {
            Some(at) if !parts.is_empty() => Self::Split { fingerprint, at },
            _ => Self::Whole(plain),
        }
    }

    /// The fingerprint of the shape that its rows are folded into.
    pub(crate) fn fingerprint(&self) -> Option<u64> {
        match self {
            Self::Nothing => None,
            Self::Whole(checkpoint) => Some(checkpoint.fingerprint),
            Self::Split { fingerprint, .. } => Some(*fingerprint),
        }
    }

    /// Into how many parts it is split: 1, where it is not.
    pub(crate) fn number(&self) -> u32 {
        match self {
            Self::Split { at, .. } => u32::try_from(at.len()).unwrap_or(1),
            _ => 1,
        }
    }

    /// The bookmark of each partition, or of the whole projection.
    pub(crate) fn bookmarks(&self) -> Vec<Bookmark> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Whole(checkpoint) => vec![checkpoint.bookmark()],
            Self::Split { at, .. } => at.clone(),
        }
    }

    /// The positions of [`bookmarks`](Self::bookmarks).
    pub(crate) fn positions(&self) -> Vec<Position> {
        self.bookmarks().into_iter().map(|at| at.position).collect()
    }

    /// The position up to which the rows include every event, if they have this shape.
    pub(crate) fn lowest(&self, fingerprint: u64) -> Option<Position> {
        if self.fingerprint() == Some(fingerprint) { self.positions().into_iter().min() } else { None }
    }

    /// The names of its partitions' checkpoints and leases, if it is partitioned.
    pub(crate) fn partition_names(&self, name: &str) -> Vec<&'static str> {
        match self {
            Self::Split { .. } => Partition::all(self.number()).map(|part| part.name(name)).collect(),
            _ => Vec::new(),
        }
    }
}

/// The names of the partitions' checkpoints, according to the plain checkpoint.
fn partition_names(plain: Option<Checkpoint>, name: &str) -> Vec<&'static str> {
    let number = plain.and_then(|plain| u32::try_from(plain.position.get()).ok());
    let number = number.filter(|number| (2..=MOST_PARTS).contains(number)).unwrap_or(0);
    Partition::all(number).map(|part| part.name(name)).collect()
}

/// The checkpoints of a projection with `number` partitions that are all at one event.
pub(crate) fn checkpoints(
    name: &'static str,
    fingerprint: u64,
    number: u32,
    at: Bookmark,
) -> Vec<(&'static str, Checkpoint)> {
    let at = Checkpoint::at(at, fingerprint);
    if number < 2 {
        return vec![(name, at)];
    }
    // This position is the number of partitions, not a position in the log. So it has no event.
    let plain = Checkpoint::at(Position::new(u64::from(number)).into(), fingerprint ^ SPLIT);
    Partition::all(number).map(|part| (part.name(name), at)).chain([(name, plain)]).collect()
}

/// Returns a name that lives as long as the program. It is allocated once for all apps.
pub(crate) fn kept(name: String) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name.as_str()) {
        return known;
    }
    let name: &'static str = Box::leak(name.into_boxed_str());
    names.insert(name);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by another program. With other hashes, partitions would miss their stored rows.
    #[test]
    fn the_hash_of_a_key_never_changes() {
        let known: &[(&str, u64)] = &[
            ("", 0xEFD0_1F60_BA99_2926),
            ("a", 0x82A2_A958_A9BE_CE5B),
            ("foobar", 0x2C22_1949_22D1_672B),
            ("00000000-0000-7000-8000-00000000000a", 0xAA1C_A2C7_147B_239E),
            ("Größe", 0xE504_EFB7_74D0_03A6),
            ("@17", 0xDD02_2BB5_7B9B_1A8D),
            ("[\"1\",\"2\"]", 0x2010_B294_DF5F_360C),
        ];
        for (key, expected) in known {
            assert_eq!(hash(key), *expected, "of `{key}`");
        }
    }

    #[test]
    fn each_key_has_one_part_and_each_part_has_its_share() {
        for of in [2, 3, 4, 7, 256] {
            let mut shares = vec![0_u32; of as usize];
            for number in 0..of * 1_000 {
                let key = format!("00000000-0000-7000-8000-{number:012x}");
                shares[Partition::of_key(&key, of).index as usize] += 1;
            }
            assert_eq!(Partition::all(of).filter(|part| part.has("a key")).count(), 1);
            assert!(shares.iter().all(|share| (800..1_200).contains(share)), "{of}: {shares:?}");
        }
    }

    #[test]
    fn what_is_stored_of_a_split_projection_is_told_from_what_is_not_split() {
        let at = Bookmark::new(Position::new(77), uuid::Uuid::max());
        let read = |checkpoints: &[(&str, Checkpoint)]| {
            let find = |name: &str| checkpoints.iter().find(|(known, _)| *known == name).map(|(_, stored)| *stored);
            let parts: Vec<_> = partition_names(find("P"), "P").into_iter().map(find).collect();
            Stored::of(find("P"), &parts)
        };
        let split = checkpoints("P", 5, 3, at);
        assert_eq!(split.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["P@0/3", "P@1/3", "P@2/3", "P"]);
        assert_eq!(read(&split), Stored::Split { fingerprint: 5, at: vec![at; 3] });
        assert_eq!(read(&split).lowest(5), Some(at.position));
        assert_eq!(read(&split).lowest(6), None, "of another shape");
        assert_eq!(read(&split[1..]).lowest(5), None, "a part is missing");
        let whole = checkpoints("P", 5, 1, Position::new(3).into());
        assert_eq!(read(&whole), Stored::Whole(whole[0].1), "at a position that might be a number of parts");
        assert_eq!(read(&[]), Stored::Nothing);
    }
}
