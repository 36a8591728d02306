//! The shape of a stored type, as its `Deserialize` implementation shows it.
//!
//! A type is deserialized from no data: the deserializer answers every request with a minimal value, and records what was requested
//! and where: the names of structs and their fields, the variants of enums, the types of values. One pass shows one variant of an
//! enum, so the type is read repeatedly until a pass shows nothing new. The result is a set of facts, each with its path:
//!
//! ```text
//! .: struct Order ["lines", "status"]
//! .lines: seq
//! .lines[]: struct Line ["pieces", "product"]
//! .lines[].pieces: u32
//! .status: enum Status ["Open", "Shipped"]
//! ```
//!
//! A set has no order: fields and variants that change places give the same shape, as they give the same JSON. If a type refuses
//! minimal values (a validated text, for example), its facts end at that point. Its neighbours are read all the same, since a field
//! that refuses comes last. Not visible are the inside of an untagged enum and of `serde_json::Value`, which ask for "anything".

use std::any::TypeId;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, PoisonError, RwLock};

use serde::de::DeserializeOwned;

use crate::fnv::{START, fnv1a};

mod fault;
mod known;
mod reader;
#[cfg(test)]
mod tests;

use known::Known;
use reader::At;

/// How often a type is read, and how many requests it may make in total. Beyond that the facts found so far are used.
const MOST_PASSES: usize = 4_096;
const MOST_REQUESTS: usize = 500_000;

/// How deep types may be nested.
const MOST_DEPTH: usize = 64;

/// A hash of all facts about a type. Computed once per type.
#[must_use]
pub fn fingerprint<T: DeserializeOwned + 'static>() -> u64 {
    static KNOWN: LazyLock<RwLock<HashMap<TypeId, u64>>> = LazyLock::new(RwLock::default);
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&TypeId::of::<T>()).copied();
    known.unwrap_or_else(|| {
        let mut hash = Hash::default();
        for fact in facts::<T>() {
            hash.part(&fact);
        }
        KNOWN.write().unwrap_or_else(PoisonError::into_inner).insert(TypeId::of::<T>(), hash.0);
        hash.0
    })
}

/// FNV-1a, the same in every program and on every machine.
#[derive(Debug)]
pub struct Hash(pub u64);

impl Default for Hash {
    fn default() -> Self {
        Self(START)
    }
}

impl Hash {
    /// Adds a text and its end.
    pub fn part(&mut self, text: &str) {
        self.0 = fnv1a(fnv1a(self.0, text.as_bytes()), &[0xFF]);
    }
}

/// All facts about a type, sorted.
#[must_use]
pub fn facts<T: DeserializeOwned>() -> Vec<String> {
    let mut known = Known::default();
    for _ in 0..MOST_PASSES {
        known.begin_pass();
        let mut pass = || At::root(&mut known).read::<T>();
        // A `Deserialize` that panics counts as a refusal.
        let _ = catch_unwind(AssertUnwindSafe(&mut pass));
        if !known.end_pass() {
            break;
        }
    }
    known.into_facts()
}
