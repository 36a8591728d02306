//! What earlier passes have found.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::Fault;
use super::{MOST_DEPTH, MOST_REQUESTS};

/// The texts that are tried where one is asked for: many types take a text of one form only.
pub(super) const TEXTS: [&str; 5] =
    ["", "00000000-0000-0000-0000-000000000000", "1970-01-01T00:00:00Z", "1970-01-01", "0"];

/// The numbers.
pub(super) const NUMBERS: [u8; 3] = [1, 0, 2];

/// The kinds of values that are tried where anything will do.
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
    /// The place of the kind that is tried.
    at: usize,
    /// The place of the first that was taken.
    taken: Option<usize>,
    /// Whether it is the value of a key that an error has named: what is wrong with it shows later, at the map.
    driven: bool,
}

/// A choice of a variant.
struct Choice {
    variants: &'static [&'static str],
    /// Where the variants' own paths begin.
    prefix: String,
    /// The first that was not tried yet.
    next: usize,
    /// The one of this pass.
    current: usize,
    /// Those that take no minimal values.
    refused: BTreeSet<usize>,
    /// Whether something was learnt in the current one, so that the next pass takes it again.
    stays: bool,
}

impl Choice {
    fn new(variants: &'static [&'static str], prefix: &str) -> Self {
        let prefix = prefix.to_owned();
        Self { variants, prefix, next: 0, current: 0, refused: BTreeSet::new(), stays: false }
    }
}

/// What earlier passes have found, and where this one stands.
#[derive(Default)]
pub(super) struct Known {
    facts: BTreeSet<String>,
    learnt: bool,
    requests: usize,
    /// The types that are being read, the outermost first.
    open: Vec<String>,
    /// The last text or number that was given, and how many others could be.
    last_leaf: Option<(String, usize)>,
    /// Which text or number is given at a path.
    tries: BTreeMap<String, usize>,
    /// The options, lists and maps that stay empty, since what would be in them refuses.
    emptied: BTreeSet<String>,
    /// The fields that refuse.
    late: BTreeSet<(String, String)>,
    /// Names that are aliases.
    aliases: BTreeSet<(String, String)>,
    choices: BTreeMap<String, Choice>,
    /// The variants that this pass has taken since something in them was not tried yet, and those where that was in vain.
    revisited: Vec<String>,
    exhausted: BTreeSet<String>,
    anys: BTreeMap<String, Any>,
    /// The keys of maps that only errors name: of flattened structs, and of enums with a tag inside.
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

    /// Whether another pass would show more.
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

    /// Takes note of a request. Inside a type that contains itself nothing is new.
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

    /// Enters a newtype. It may have another of its name in it; a third is the type in itself.
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

    /// Whether the option, list or map at this path is to be empty.
    pub(super) fn is_empty(&self, path: &str) -> bool {
        self.is_recursive() || self.emptied.contains(path)
    }

    /// Which of `count` values is given at this path.
    pub(super) fn leaf(&mut self, path: &str, count: usize) -> usize {
        self.last_leaf = Some((path.to_owned(), count));
        self.tries.get(path).copied().unwrap_or(0)
    }

    /// The fields of a struct in the order in which they are given.
    pub(super) fn in_order(&self, path: &str, fields: &'static [&'static str]) -> Vec<String> {
        let of = |field: &str| (path.to_owned(), field.to_owned());
        let mut given: Vec<String> =
            fields.iter().filter(|field| !self.aliases.contains(&of(field))).map(|&field| field.to_owned()).collect();
        given.sort_by_key(|field| self.late.contains(&of(field)));
        given
    }

    /// A field of this name came again: the name is an alias.
    pub(super) fn is_alias(&mut self, path: &str, field: &str) -> Fault {
        if self.aliases.insert((path.to_owned(), field.to_owned())) { self.learn() } else { Fault::Refused }
    }

    /// A field refuses: the others go first.
    pub(super) fn put_off(&mut self, path: &str, field: &str, fault: Fault) -> Fault {
        match fault {
            Fault::Refused if self.late.insert((path.to_owned(), field.to_owned())) => self.learn(),
            other => other,
        }
    }

    /// What would be in it refuses: it stays empty.
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
            // One of them does not contain the type again, or it could not be.
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
            // Others have not had their turn.
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

    /// The variant at this path takes no minimal values: another one goes on.
    pub(super) fn refuse_variant(&mut self, path: &str, fault: Fault) -> Fault {
        let Some(choice) = self.choices.get_mut(path) else { return fault };
        match fault {
            Fault::Again => choice.stays = true,
            Fault::Refused if choice.refused.insert(choice.current) => return self.learn(),
            _ => {}
        }
        fault
    }

    /// The names that a tag may have, once an error has told them.
    pub(super) fn tag_variants(&self, path: &str) -> Option<(&'static [&'static str], String)> {
        self.choices.get(path).map(|choice| (choice.variants, choice.prefix.clone()))
    }

    /// An error has told the names that the tag of the enum at `of` may have.
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

    /// The value at this path says which variant the rest of the map or struct `of` belongs to.
    pub(super) fn is_tag(&mut self, path: &str, of: &str) {
        self.tags.insert(of.to_owned(), path.to_owned());
    }

    /// What is learnt of the enum at this path that has a tag is learnt of its variant.
    pub(super) fn stay(&mut self, path: &str, fault: Fault) -> Fault {
        match self.tags.get(path).cloned() {
            Some(tag) => self.refuse_variant(&tag, fault),
            None => fault,
        }
    }

    /// The kind of value to give where anything will do.
    pub(super) fn kind(&mut self, path: &str, driven: bool) -> Kind {
        let any = self.anys.entry(path.to_owned()).or_default();
        any.driven = driven;
        let at = if any.at < KINDS.len() { any.at } else { any.taken.unwrap_or(0) };
        KINDS[at]
    }

    /// Whether the keys of this map are those that errors name.
    pub(super) fn has_named_keys(&self, path: &str) -> bool {
        self.keys.contains_key(path)
    }

    /// From now on the keys of this map are those that errors name.
    pub(super) fn name_keys(&mut self, path: &str) -> Fault {
        self.keys.entry(path.to_owned()).or_default();
        self.learn()
    }

    /// The key number `at` of such a map, and the path of its value: the keys of the variant follow those of all variants.
    pub(super) fn named_key(&self, path: &str, at: usize) -> Option<(String, String)> {
        let common = self.keys.get(path).map_or(&[][..], Vec::as_slice);
        if let Some(key) = common.get(at) {
            return Some((key.clone(), format!("{path}.{key}")));
        }
        let scope = self.scope(path);
        let own = if scope == path { None } else { self.keys.get(&scope) };
        own.and_then(|own| own.get(at - common.len())).map(|key| (key.clone(), format!("{scope}.{key}")))
    }

    /// The path of a field: in the variant, where another field is the tag.
    pub(super) fn field(&self, path: &str, field: &str) -> String {
        let plain = format!("{path}.{field}");
        let is_tag = self.tags.get(path) == Some(&plain);
        if is_tag { plain } else { format!("{}.{field}", self.scope(path)) }
    }

    /// Where keys belong that errors name: to the variant, where there is a tag.
    fn scope(&self, path: &str) -> String {
        let choice = self.tags.get(path).and_then(|tag| self.choices.get(tag));
        choice.map_or_else(|| path.to_owned(), |choice| format!("{path}::{}", choice.variants[choice.current]))
    }

    /// The value at this path was taken.
    pub(super) fn accept(&mut self, path: &str) {
        let Some(any) = self.anys.get_mut(path).filter(|any| !any.driven && any.at < KINDS.len()) else { return };
        let kind = KINDS[any.at];
        any.taken.get_or_insert(any.at);
        any.at += 1;
        self.learnt = true;
        let _ = self.fact(path, &format!("takes {kind:?}"));
    }

    /// The value at this path was not taken: what does that teach?
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

    /// A map whose keys errors name was not taken: a key is missing, or the value of the last one is of another kind.
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
