//! Fields found by name: how a projection reaches the field of an event that its view's key is named after, and a handler
//! the field of its command that a parameter is named after.

use std::marker::PhantomData;

use crate::expansion::rules::Rule;
use crate::model::boundary::{Identifies, MayIdentify};
use cqrs_core::event::Event;
use cqrs_core::fnv::{START, fnv1a};
use cqrs_core::id::Id;
use cqrs_core::view::View;

/// A field of type `T`, under the hash of its name. `#[derive(Event)]` and `#[derive(Command)]` make one for each named field.
#[diagnostic::on_unimplemented(
    message = "[CQRS504] event `{Self}` has no field that is named as the view's key",
    label = "it could reach no row",
    note = "a view's row is found by its key, and the event must say which row it is about",
    note = "give the event a field of the key's name, or say what the key is: `#[key(expr)]` (or `#[keys(expr)]`, `#[by(index)]`) on its method",
    note = "see: cqrs_runtime::rules#cqrs504"
)]
pub trait HasField<const NAME: u64, T> {
    /// The field.
    fn field(&self) -> &T;
}

/// The name of no field: the value itself. Used in place of a view's field name if there is no view.
pub const NO_FIELD: u64 = 0;

#[diagnostic::do_not_recommend]
impl<T> HasField<NO_FIELD, T> for T {
    fn field(&self) -> &T {
        self
    }
}

/// The name of the key of a view that has none, and is refused for it: every event has that field, so that no event is
/// refused as well.
pub const NO_KEY: u64 = 1;

#[diagnostic::do_not_recommend]
impl<T> HasField<NO_KEY, String> for T {
    fn field(&self) -> &String {
        unreachable!("a view without a key does not compile")
    }
}

/// How event `E` finds its row of view `V`: by the field that is named as the view's key, `NAME`.
pub struct RowKey<'a, E, V, const NAME: u64> {
    event: &'a E,
    view: PhantomData<fn() -> V>,
}

impl<'a, E, V, const NAME: u64> RowKey<'a, E, V, NAME> {
    /// That of this event.
    pub fn of(event: &'a E) -> Self {
        Self { event, view: PhantomData }
    }
}

impl<'a, E: Event, V, const NAME: u64> RowKey<'a, E, V, NAME> {
    /// The field.
    #[must_use]
    pub fn found<T>(self) -> &'a T
    where
        E: HasField<NAME, T>,
    {
        self.event.field()
    }
}

/// In place of [`RowKey::found`] for what is no event, which is refused where it is listed.
pub trait NoRowKey<V>: Sized {
    /// Never called.
    fn found<K>(self) -> &'static K
    where
        V: View<Key = K>,
    {
        unreachable!("not an event")
    }
}

impl<E, V, const NAME: u64> NoRowKey<V> for RowKey<'_, E, V, NAME> {}

/// The fields of a command, of which a handler's parameter names one.
pub struct Fields<'a, C, const NAME: u64>(&'a C);

impl<'a, C, const NAME: u64> Fields<'a, C, NAME> {
    /// Those of this command.
    pub fn of(command: &'a C) -> Self {
        Self(command)
    }
}

/// The field, where the command has it: found first, since it asks for a borrow less than [`FallbackField`].
pub trait FieldAccess<'a, T> {
    /// The field.
    fn named(self) -> &'a T;
}

impl<'a, C: HasField<NAME, T>, T, const NAME: u64> FieldAccess<'a, T> for Fields<'a, C, NAME> {
    fn named(self) -> &'a T {
        self.0.field()
    }
}

/// In place of [`FieldAccess`] where the command has no such field, which [`require_field`] refuses with the fields that it has.
pub trait FallbackField {
    /// Never called.
    fn named(&self) -> &'static Nothing {
        unreachable!("the command has no such field")
    }
}

impl<C, const NAME: u64> FallbackField for Fields<'_, C, NAME> {}

/// The type of a missing field.
pub struct Nothing;

#[diagnostic::do_not_recommend]
impl<I: Id> MayIdentify<I> for Nothing {
    fn id(&self) -> Option<&I> {
        unreachable!("the command has no such field")
    }
}

#[diagnostic::do_not_recommend]
impl<I: Id> Identifies<I> for Nothing {
    fn id(&self) -> &I {
        unreachable!("the command has no such field")
    }
}

/// The hash of a field's name: FNV-1a of 64 bits, which the derives compute alike.
#[must_use]
pub const fn field_name(name: &str) -> u64 {
    fnv1a(START, name.as_bytes())
}

/// 210: refuses a parameter that is named as no field of its command, with the fields that there are.
///
/// # Panics
/// If the first of `names` is none of `fields`: while compiling, since it is called in constants only.
#[track_caller]
pub const fn require_field(loaded: bool, fields: Option<&[&str]>, rule: Rule, names: &[&str]) {
    // A type that is not a command or an aggregate has an error of its own.
    let (true, Some(fields)) = (loaded, fields) else { return };
    let mut at = 0;
    while at < fields.len() {
        if crate::expansion::compile_time::same_name(fields[at], names[0]) {
            return;
        }
        at += 1;
    }
    let mut text = rule.begin(names);
    at = 0;
    while at < fields.len() {
        text.push(if at == 0 { ": its fields are `" } else { "`, `" });
        text.push(fields[at]);
        at += 1;
    }
    text.push(if at == 0 { ", which has no named fields" } else { "`" });
    rule.end(names, &mut text);
    panic!("{}", text.as_str());
}
