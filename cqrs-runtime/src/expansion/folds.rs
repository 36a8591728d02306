//! Fold methods of aggregates and projections, as their expansions call them.

use crate::model::aggregate::{FoldError, FoldRefusal};
use cqrs_core::event::{Decoded, Event, RecordedEvent};
use cqrs_core::view::View;

/// Decodes an event for a fold method.
pub fn decode<E: Event>(event: &RecordedEvent) -> Result<Decoded<'_, E>, FoldError> {
    event.decode::<E>().map_err(|error| FoldError::at(event, error))
}

/// Turns what an async projection's method returned into the engine's own error.
pub fn handled<E: std::fmt::Display>(event: &RecordedEvent, result: Result<(), E>) -> Result<(), FoldError> {
    result.map_err(|error| FoldError::at(event, FoldRefusal::Failed(error.to_string())))
}

/// The name of a view that a projection looks up.
#[must_use]
pub const fn looked_up<V: View>() -> &'static str {
    V::LAYOUT.name
}

/// The last parameter of a fold method, its own identity: the aggregate's id, or the row's key.
#[diagnostic::on_unimplemented(
    message = "[CQRS402] a fold method cannot take `&{Self}`",
    label = "not `{I}`, the identity of what it folds into",
    note = "history has happened: applying it can neither fail nor answer, and it happens again at each replay",
    note = "besides the event it may take its own identity, last: `id: &{I}`; what else it needs belongs in the event",
    note = "see: cqrs_runtime::rules#cqrs402"
)]
pub trait IdentityOf<I> {
    /// The identity.
    fn of(identity: &I) -> &Self;
}

#[diagnostic::do_not_recommend]
impl<I> IdentityOf<I> for I {
    fn of(identity: &I) -> &Self {
        identity
    }
}

/// Like [`IdentityOf`], for a view's row.
#[diagnostic::on_unimplemented(
    message = "[CQRS503] a projection cannot take `&{Self}`",
    label = "not `{K}`, the key of the row",
    note = "a projection is replayed, and its side effects would happen again",
    note = "besides the event it may look up another view, `Option<&V>`, and take its row's key, last: `key: &{K}`",
    note = "see: cqrs_runtime::rules#cqrs503"
)]
pub trait KeyOf<K> {
    /// The key.
    fn of(key: &K) -> &Self;
}

#[diagnostic::do_not_recommend]
impl<K> KeyOf<K> for K {
    fn of(key: &K) -> &Self {
        key
    }
}

/// A second implementation, so that the compiler infers `K` from the key instead of from the parameter that is checked
/// against it.
#[diagnostic::do_not_recommend]
impl<T> KeyOf<NoKey<T>> for T {
    fn of(key: &NoKey<T>) -> &Self {
        match key.0 {}
    }
}

/// The key type of no row.
pub struct NoKey<T>(std::convert::Infallible, std::marker::PhantomData<T>);

/// The key, as a fold method of a projection takes it.
pub fn key_of<T: KeyOf<K>, K>(key: &K) -> &T {
    T::of(key)
}

/// The forms of a fold method, called by the expansion of `#[aggregate]`.
pub mod fold {
    use crate::model::aggregate::{FoldError, FoldRefusal};
    use cqrs_core::event::RecordedEvent;

    /// `fn created(e: &E) -> Self`
    pub fn create<S>(
        state: &mut Option<S>,
        event: &RecordedEvent,
        method: impl FnOnce() -> S,
    ) -> Result<(), FoldError> {
        if state.is_some() {
            return Err(FoldError::at(event, FoldRefusal::AlreadyThere));
        }
        *state = Some(method());
        Ok(())
    }

    /// `fn shipped(&mut self, e: &E)`
    pub fn change<S>(
        state: &mut Option<S>,
        event: &RecordedEvent,
        method: impl FnOnce(&mut S),
    ) -> Result<(), FoldError> {
        method(state.as_mut().ok_or_else(|| FoldError::at(event, FoldRefusal::NotThere))?);
        Ok(())
    }

    /// `fn sold(this: Option<Self>, e: &E) -> Self`
    pub fn make_or_change<S>(state: &mut Option<S>, method: impl FnOnce(Option<S>) -> S) -> Result<(), FoldError> {
        *state = Some(method(state.take()));
        Ok(())
    }
}
