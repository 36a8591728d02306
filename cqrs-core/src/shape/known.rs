//! What earlier passes have found.

use std::collections::{BTreeMap, BTreeSet};

use crate::shape::fault::Fault;
use crate::shape::{MOST_DEPTH, MOST_REQUESTS};

/// The texts that are tried: many types accept only one form of text.
pub(super) const TEXTS: [&str; 5] =
    ["", "00000000-0000-0000-0000-000000000000", "1970-01-01T00:00:00Z", "1970-01-01", "0"];

/// The numbers that are tried.
pub(super) const NUMBERS: [u8; 3] = [1, 0, 2];

/// The types of values that are tried for a request for anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    Text,
    Seq,
    Map,
}

const KINDS: [Kind; 6] = [Kind::Null, Kind::Bool, Kind::Number, Kind::Text, Kind::Seq, Kind::Map];

/// A request for anything.
#[derive(Default)]
struct Any {
    /// The index of the type that is being tried.
    at: usize,
    /// The index of the first type that was accepted.
    taken: Option<usize>,
    /// Whether it is the value of a key that an error has named. Then a fault in it shows later, at the map.
    driven: bool,
}

/// A choice of a variant.
struct Choice {
    variants: &'static [&'static str],
    /// The common start of the variants' paths.
    prefix: String,
    /// The first variant that was not tried yet.
    next: usize,
    /// The variant of this pass.
    current: usize,
    /// The variants that accept no minimal values.
    refused: BTreeSet<usize>,
    /// Whether something was learnt in the current variant, so that the next pass takes it again.
    stays: bool,
}

impl Choice {
    fn new(variants: &'static [&'static str], prefix: &str) -> Self {
        let prefix = prefix.to_owned();
        Self { variants, prefix, next: 0, current: 0, refused: BTreeSet::new(), stays: false }
    }
}

/// What earlier passes have found, and the state of this pass.
#[derive(Default)]
pub(super) struct Known {
    facts: BTreeSet<String>,
    learnt: bool,
    requests: usize,
    /// The types that are being read, the outermost first.
    open: Vec<String>,
    /// The path of the last text or number, and how many others can be tried there.
    last_leaf: Option<(String, usize)>,
    /// The index of the text or number to give at a path.
    tries: BTreeMap<String, usize>,
    /// The options, lists and maps that stay empty, since their content refuses.
    emptied: BTreeSet<String>,
    /// The fields that refuse.
    late: BTreeSet<(String, String)>,
    /// Field names that are aliases.
    aliases: BTreeSet<(String, String)>,
    choices: BTreeMap<String, Choice>,
    /// The variants that this pass took again because something in them was not tried yet, and those where that brought
    /// nothing new.
    revisited: Vec<String>,
    exhausted: BTreeSet<String>,
    anys: BTreeMap<String, Any>,
    /// The keys of maps that only errors name: of flattened structs, and of internally tagged enums.
    keys: BTreeMap<String, Vec<String>>,
    /// The path of such an enum's tag.
    tags: BTreeMap<String, String>,
}

impl Known {
    pub(super) fn begin_pass(&mut self) {
        self.learnt = false;
        self.open.clear();
        self.revisited.clear();
        self.last_leaf = None;
    }

    /// Ends a pass. Returns whether another pass would show more.
    pub(super) fn end_pass(&mut self) -> bool {
        if !self.learnt {
            for variant in std::mem::take(&mut self.revisited) {
                self.learnt |= self.exhausted.insert(variant);
            }
        }
        self.learnt && self.requests < MOST_REQUESTS
    }

    pub(super) fn into_facts(self) -> Vec<String> {
        self.facts.into_iter().collect()
    }

    fn learn(&mut self) -> Fault {
        self.learnt = true;
        Fault::Again
    }

    /// Records a request. Inside a type that contains itself nothing is new.
    pub(super) fn fact(&mut self, path: &str, what: &str) -> Result<(), Fault> {
        self.requests += 1;
        if self.requests > MOST_REQUESTS {
            return Err(Fault::Refused);
        }
        if !self.is_recursive() {
            let path = if path.is_empty() { "." } else { path };
            self.learnt |= self.facts.insert(format!("{path}: {what}"));
        }
        Ok(())
    }

    /// Enters a type.
    pub(super) fn enter(&mut self, name: &str, parts: &[&str]) -> Result<(), Fault> {
        if self.open.len() >= MOST_DEPTH {
            return Err(Fault::Refused);
        }
        self.open.push(format!("{name} {parts:?}"));
        Ok(())
    }

    /// Enters a newtype. It may contain one of the same name; a third one means that the type contains
    /// itself.
    pub(super) fn enter_newtype(&mut self, name: &str) -> Result<(), Fault> {
        let is_inside = self.open.iter().any(|open| *open == format!("{name} [\"newtype\"]"));
        self.enter(name, &[if is_inside { "newtype again" } else { "newtype" }])
    }

    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    /// Whether a type is being read inside itself.
    fn is_recursive(&self) -> bool {
        self.open.iter().enumerate().any(|(at, open)| self.open[..at].contains(open))
    }

    /// Whether the option, list or map at this path should be empty.
    pub(super) fn is_empty(&self, path: &str) -> bool {
        self.is_recursive() || self.emptied.contains(path)
    }

    /// The index of the value to give at this path, of `count` values.
    pub(super) fn leaf(&mut self, path: &str, count: usize) -> usize {
        self.last_leaf = Some((path.to_owned(), count));
        self.tries.get(path).copied().unwrap_or(0)
    }

    /// The fields of a struct in the order in which to give them.
    pub(super) fn in_order(&self, path: &str, fields: &'static [&'static str]) -> Vec<String> {
        let of = |field: &str| (path.to_owned(), field.to_owned());
        let mut given: Vec<String> =
            fields.iter().filter(|field| !self.aliases.contains(&of(field))).map(|&field| field.to_owned()).collect();
        given.sort_by_key(|field| self.late.contains(&of(field)));
        given
    }

    /// Records that a field was given twice: the name is an alias.
    pub(super) fn is_alias(&mut self, path: &str, field: &str) -> Fault {
        if self.aliases.insert((path.to_owned(), field.to_owned())) { self.learn() } else { Fault::Refused }
    }

    /// Records that a field refuses: it is given last from now on.
    pub(super) fn put_off(&mut self, path: &str, field: &str, fault: Fault) -> Fault {
        match fault {
            Fault::Refused if self.late.insert((path.to_owned(), field.to_owned())) => self.learn(),
            other => other,
        }
    }

    /// Records that the content refuses: it stays empty from now on.
    pub(super) fn empty(&mut self, path: &str, fault: Fault) -> Fault {
        match fault {
            Fault::Refused if self.emptied.insert(path.to_owned()) => self.learn(),
            other => other,
        }
    }

    /// Chooses a variant.
    pub(super) fn choose(
        &mut self,
        path: &str,
        prefix: &str,
        variants: &'static [&'static str],
    ) -> Result<usize, Fault> {
        if variants.is_empty() {
            return Err(Fault::Refused);
        }
        if self.is_recursive() {
            // If each variant contained the type again, no value of the type could exist.
            let again = |open| self.open.iter().filter(|other| *other == open).count() - 1;
            return Ok(self.open.iter().map(again).max().unwrap_or(0) % variants.len());
        }
        let open = |inner: &str, variant: &str| {
            let inside = inner.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("::"));
            let inside = inside.and_then(|rest| rest.strip_prefix(variant));
            inside.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':', '[', '?', '{']))
        };
        let waiting = variants.iter().position(|variant| {
            !self.exhausted.contains(&format!("{prefix}::{variant}"))
                && self.choices.iter().any(|(at, choice)| choice.next < choice.variants.len() && open(at, variant))
        });
        let choice = self.choices.entry(path.to_owned()).or_insert_with(|| Choice::new(variants, prefix));
        if std::mem::take(&mut choice.stays) {
            // Other variants were not taken yet.
            self.learnt = true;
            return Ok(choice.current);
        }
        let usable = (0..variants.len()).find(|at| !choice.refused.contains(at));
        choice.current = match waiting {
            Some(waiting) => {
                self.revisited.push(format!("{prefix}::{}", variants[waiting]));
                waiting
            }
            None if choice.next < variants.len() => {
                choice.next += 1;
                self.learnt = true;
                choice.next - 1
            }
            None => usable.unwrap_or(0),
        };
        Ok(choice.current)
    }

    /// Records that the variant at this path accepts no minimal values: another one is taken next.
    pub(super) fn refuse_variant(&mut self, path: &str, fault: Fault) -> Fault {
        let Some(choice) = self.choices.get_mut(path) else { return fault };
        match fault {
            Fault::Again => choice.stays = true,
            Fault::Refused if choice.refused.insert(choice.current) => return self.learn(),
            _ => {}
        }
        fault
    }

    /// The names that a tag may have, once an error has named them.
    pub(super) fn tag_variants(&self, path: &str) -> Option<(&'static [&'static str], String)> {
        self.choices.get(path).map(|choice| (choice.variants, choice.prefix.clone()))
    }

    /// Records the names that the tag of the enum at `of` may have, from an error.
    pub(super) fn learn_tag(&mut self, path: &str, of: Option<&str>, variants: &'static [&'static str]) -> Fault {
        if let Some(of) = of {
            self.is_tag(path, of);
        }
        if self.choices.contains_key(path) {
            return Fault::Refused;
        }
        self.choices.insert(path.to_owned(), Choice::new(variants, of.unwrap_or(path)));
        self.learn()
    }

    /// Records that the value at this path is the tag of the map or struct `of`.
    pub(super) fn is_tag(&mut self, path: &str, of: &str) {
        self.tags.insert(of.to_owned(), path.to_owned());
    }

    /// Stays in the variant of the tagged enum at this path, since something was learnt about it.
    pub(super) fn stay(&mut self, path: &str, fault: Fault) -> Fault {
        match self.tags.get(path).cloned() {
            Some(tag) => self.refuse_variant(&tag, fault),
            None => fault,
        }
    }

    /// The type of value to give for a request for anything.
    pub(super) fn kind(&mut self, path: &str, driven: bool) -> Kind {
        let any = self.anys.entry(path.to_owned()).or_default();
        any.driven = driven;
        let at = if any.at < KINDS.len() { any.at } else { any.taken.unwrap_or(0) };
        KINDS[at]
    }

    /// Whether this map uses the keys that errors name.
    pub(super) fn has_named_keys(&self, path: &str) -> bool {
        self.keys.contains_key(path)
    }

    /// Makes this map use the keys that errors name.
    pub(super) fn name_keys(&mut self, path: &str) -> Fault {
        self.keys.entry(path.to_owned()).or_default();
        self.learn()
    }

    /// Key number `at` of such a map, and the path of its value. The variant's keys follow the common ones.
    pub(super) fn named_key(&self, path: &str, at: usize) -> Option<(String, String)> {
        let common = self.keys.get(path).map_or(&[][..], Vec::as_slice);
        if let Some(key) = common.get(at) {
            return Some((key.clone(), format!("{path}.{key}")));
        }
        let scope = self.scope(path);
        let own = if scope == path { None } else { self.keys.get(&scope) };
        own.and_then(|own| own.get(at - common.len())).map(|key| (key.clone(), format!("{scope}.{key}")))
    }

    /// The path of a field. If another field is the tag, the path is in the variant.
    pub(super) fn field(&self, path: &str, field: &str) -> String {
        let plain = format!("{path}.{field}");
        let is_tag = self.tags.get(path) == Some(&plain);
        if is_tag { plain } else { format!("{}.{field}", self.scope(path)) }
    }

    /// The path of keys that errors name: in the variant, if there is a tag.
    fn scope(&self, path: &str) -> String {
        let choice = self.tags.get(path).and_then(|tag| self.choices.get(tag));
        choice.map_or_else(|| path.to_owned(), |choice| format!("{path}::{}", choice.variants[choice.current]))
    }

    /// Records that the value at this path was accepted.
    pub(super) fn accept(&mut self, path: &str) {
        let Some(any) = self.anys.get_mut(path).filter(|any| !any.driven && any.at < KINDS.len()) else { return };
        let kind = KINDS[any.at];
        any.taken.get_or_insert(any.at);
        any.at += 1;
        self.learnt = true;
        let _ = self.fact(path, &format!("takes {kind:?}"));
    }

    /// Records that the value at this path was refused, and what that shows.
    pub(super) fn reject(&mut self, path: &str, fault: Fault) -> Fault {
        if matches!(fault, Fault::Again | Fault::Refused) {
            return fault;
        }
        let any = self.anys.get(path).filter(|any| !any.driven);
        let maps = any.is_none_or(|any| {
            any.at < KINDS.len() && KINDS[any.at] == Kind::Map || any.taken == Some(Kind::Map as usize)
        });
        if maps && self.has_named_keys(path) {
            let fault = self.reject_map(path, &fault);
            return self.stay(path, fault);
        }
        if let Some(any) = self.anys.get_mut(path).filter(|any| !any.driven) {
            return if any.at < KINDS.len() {
                any.at += 1;
                self.learn()
            } else {
                Fault::Refused
            };
        }
        if let Some((leaf, count)) = self.last_leaf.clone().filter(|(leaf, _)| leaf.starts_with(path)) {
            let tried = self.tries.entry(leaf).or_default();
            if *tried + 1 < count {
                *tried += 1;
                return self.learn();
            }
        }
        Fault::Refused
    }

    /// A map with keys that errors name was refused: a key is missing, or the last value has another type.
    fn reject_map(&mut self, path: &str, fault: &Fault) -> Fault {
        let scope = self.scope(path);
        let keys = self.keys.entry(scope.clone()).or_default();
        if let Fault::Missing(field) = fault
            && !keys.iter().any(|key| key == field)
        {
            keys.push((*field).to_owned());
            let _ = self.fact(&format!("{scope}.{field}"), "named by an error");
            return self.learn();
        }
        if let Some(key) = keys.last().cloned() {
            let value = format!("{scope}.{key}");
            let _ = self.fact(&value, &format!("wants {fault}"));
            if let Some(any) = self.anys.get_mut(&value).filter(|any| any.at + 1 < KINDS.len()) {
                any.at += 1;
                return self.learn();
            }
        }
        if !self.tags.contains_key(path)
            && let Some(any) = self.anys.get_mut(path).filter(|any| any.at < KINDS.len())
        {
            any.at = KINDS.len();
            return self.learn();
        }
        Fault::Refused
    }
}
