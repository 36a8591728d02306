//! Maps for the paths that every command takes.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

/// A map whose keys are hashed several times faster than by the standard hasher. The seed is random, and differs from process to
/// process, so colliding keys cannot be prepared.
pub(crate) type FastMap<K, V> = HashMap<K, V, RandomState>;

/// A set of the same kind.
pub(crate) type FastSet<K> = HashSet<K, RandomState>;
