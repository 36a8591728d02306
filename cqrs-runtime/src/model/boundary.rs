//! A decision's consistency boundary: the aggregates that its parameters name.

use std::marker::PhantomData;

use crate::model::aggregate::slot::{AggregateSlot, Slot};
use crate::model::aggregate::{Aggregate, FoldError};
use crate::model::error::{Entity, Refusal};
use cqrs_core::debug::opaque_debug;
use cqrs_core::event::RecordedEvent;
use cqrs_core::meta::Meta;

/// An aggregate that must not exist yet. If it does, the command fails with `AlreadyExists`.
///
/// ```
/// # use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderCreated { #[tag] order: OrderId }
/// # #[derive(Command, Serialize, Deserialize)] pub struct CreateOrder { order: OrderId }
/// # pub struct Order;
/// # #[aggregate(id = OrderId, on = [OrderCreated])]
/// # impl Order { fn created(_: &OrderCreated) -> Self { Order } }
/// #[command]
/// fn create_order(cmd: CreateOrder, _order: Absent<Order>) -> Result<OrderCreated, std::convert::Infallible> {
///     Ok(OrderCreated { order: cmd.order })
/// }
/// ```
pub struct Absent<A> {
    aggregate: PhantomData<fn() -> A>,
}

opaque_debug!([A] Absent<A>);

/// Several aggregates of one type, in the order of the ids in the command.
///
/// If one of them does not exist, the command fails with `NotFound`.
pub struct Many<'a, A> {
    states: Vec<&'a A>,
}

opaque_debug!([A] Many<'_, A>);

impl<'a, A> Many<'a, A> {
    /// All aggregates, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a A> + '_ {
        self.states.iter().copied()
    }

    /// The aggregate with this index.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a A> {
        self.states.get(index).copied()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether the command names no id.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }
}

impl<'a, A> IntoIterator for Many<'a, A> {
    type Item = &'a A;
    type IntoIter = std::vec::IntoIter<&'a A>;
    fn into_iter(self) -> Self::IntoIter {
        self.states.into_iter()
    }
}

/// A handler parameter for which aggregates are loaded: `&A`, `Option<&A>`, `Absent<A>`, `Many<A>`.
#[diagnostic::on_unimplemented(
    message = "[CQRS203] a command handler cannot take `{Self}`",
    label = "not `&A`, `Option<&A>`, `Absent<A>` or `Many<A>` of an aggregate, nor `&Meta`",
    note = "a decision, `fn`, is pure: it is batched, replayed and tested without the world, so it takes aggregates and nothing else",
    note = "aggregates are lent: `&A`, `Option<&A>`, `Absent<A>`, `Many<A>`; a service (`State<T>`) or a transaction (`&mut Tx<Db>`) is taken by a workflow, `#[command] async fn`",
    note = "see: cqrs_runtime::rules#cqrs203"
)]
pub trait AggregateParameter<'a>: Sized {
    /// The aggregate.
    type Aggregate: Aggregate;
    /// Whether an aggregate is loaded. Not for `&Meta`, which the macro may see under another name.
    #[doc(hidden)]
    const LOADED: bool = true;
    /// Takes the parameter from the loaded aggregates, or from the request.
    #[doc(hidden)]
    fn take(slot: &LoadedSlot<'a>, meta: &'a Meta) -> Result<Self, Refusal>;
}

impl<'a, A: Aggregate> AggregateParameter<'a> for &'a A {
    type Aggregate = A;
    fn take(slot: &LoadedSlot<'a>, _: &'a Meta) -> Result<Self, Refusal> {
        slot.one::<A>().ok_or_else(|| Refusal::NotFound(slot.entity(0)))
    }
}

impl<'a, A: Aggregate> AggregateParameter<'a> for Option<&'a A> {
    type Aggregate = A;
    fn take(slot: &LoadedSlot<'a>, _: &'a Meta) -> Result<Self, Refusal> {
        Ok(slot.one::<A>())
    }
}

impl<A: Aggregate> AggregateParameter<'_> for Absent<A> {
    type Aggregate = A;
    fn take(slot: &LoadedSlot<'_>, _: &Meta) -> Result<Self, Refusal> {
        match slot.one::<A>() {
            None => Ok(Self { aggregate: PhantomData }),
            Some(_) => Err(Refusal::AlreadyExists(slot.entity(0))),
        }
    }
}

impl<'a, A: Aggregate> AggregateParameter<'a> for Many<'a, A> {
    type Aggregate = A;
    fn take(slot: &LoadedSlot<'a>, _: &'a Meta) -> Result<Self, Refusal> {
        let state =
            |index: usize| slot.states[index].downcast::<A>().ok_or_else(|| Refusal::NotFound(slot.entity(index)));
        Ok(Self { states: (0..slot.states.len()).map(state).collect::<Result<_, _>>()? })
    }
}

/// `&Meta`, if a handler takes it under another name.
#[diagnostic::do_not_recommend]
impl<'a> AggregateParameter<'a> for &'a Meta {
    type Aggregate = NoAggregate;
    const LOADED: bool = false;
    fn take(_: &LoadedSlot<'a>, meta: &'a Meta) -> Result<Self, Refusal> {
        Ok(meta)
    }
}

/// The aggregate of `&Meta`: none.
#[doc(hidden)]
#[derive(Debug)]
pub struct NoAggregate;

/// The identifier of [`NoAggregate`].
#[doc(hidden)]
#[derive(cqrs_macros::Id)]
pub struct NoId(u64);

#[diagnostic::do_not_recommend]
impl Aggregate for NoAggregate {
    const NAME: &'static str = "";
    type Id = NoId;
    const EVENTS: &'static [&'static str] = &[];
    const SLOT: Slot<Self> = Slot::<Self>::OF;
    fn fold(_: &mut Option<Self>, _: &RecordedEvent, _: &NoId) -> Result<(), FoldError> {
        Ok(())
    }
}

/// An identifier of type `I`, by which an aggregate parameter is loaded. Whether `I` is one is asked of the aggregate alone, so that
/// a forgotten derive is not reported at every handler.
#[diagnostic::on_unimplemented(
    message = "[CQRS209] `{Self}` does not identify this aggregate: its id is `{I}`",
    label = "not `{I}`",
    note = "an aggregate is loaded by its own id; another id would load another entity",
    note = "name the field of the command that holds the id, or say which with `#[id(cmd.field)]` on the parameter",
    note = "see: cqrs_runtime::rules#cqrs209"
)]
pub trait Identifies<I> {
    /// The id.
    #[doc(hidden)]
    fn id(&self) -> &I;
}

#[diagnostic::do_not_recommend]
impl<I> Identifies<I> for I {
    fn id(&self) -> &I {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<I> Identifies<I> for &I {
    fn id(&self) -> &I {
        self
    }
}

/// An identifier of type `I`, or none, by which an `Option<&A>` is loaded.
#[diagnostic::on_unimplemented(
    message = "[CQRS209] `{Self}` does not identify this aggregate: its id is `{I}`",
    label = "neither `{I}` nor `Option<{I}>`",
    note = "an aggregate is loaded by its own id; another id would load another entity",
    note = "name the field of the command that holds the id, or say which with `#[id(cmd.field)]` on the parameter; where there may be none, an `Option` of it",
    note = "see: cqrs_runtime::rules#cqrs209"
)]
pub trait MayIdentify<I> {
    /// The id, if any.
    #[doc(hidden)]
    fn id(&self) -> Option<&I>;
}

#[diagnostic::do_not_recommend]
impl<I> MayIdentify<I> for I {
    fn id(&self) -> Option<&I> {
        Some(self)
    }
}

#[diagnostic::do_not_recommend]
impl<I> MayIdentify<I> for &I {
    fn id(&self) -> Option<&I> {
        Some(self)
    }
}

#[diagnostic::do_not_recommend]
impl<I> MayIdentify<I> for Option<I> {
    fn id(&self) -> Option<&I> {
        self.as_ref()
    }
}

#[diagnostic::do_not_recommend]
impl<I> MayIdentify<I> for Option<&I> {
    fn id(&self) -> Option<&I> {
        *self
    }
}

#[diagnostic::do_not_recommend]
impl<I> MayIdentify<I> for &Option<I> {
    fn id(&self) -> Option<&I> {
        self.as_ref()
    }
}

/// The id type of the aggregate of a parameter of type `P`.
type IdOf<'a, P> = <<P as AggregateParameter<'a>>::Aggregate as Aggregate>::Id;

/// Collects the aggregates in a command's boundary, before they are loaded.
#[derive(Default)]
pub struct Boundary {
    pub(crate) slots: Vec<Vec<Box<dyn AggregateSlot>>>,
}

opaque_debug!(Boundary);

impl Boundary {
    /// Adds the aggregate of a parameter of type `P`.
    pub fn one<'a, P: AggregateParameter<'a>>(&mut self, id: &impl Identifies<IdOf<'a, P>>) {
        let slot = P::LOADED.then(|| P::Aggregate::SLOT.of(id.id()));
        self.slots.push(slot.into_iter().collect());
    }

    /// Adds the aggregate of an `Option` parameter of type `P`, if there is an id.
    pub fn optional<'a, P: AggregateParameter<'a>>(&mut self, id: &impl MayIdentify<IdOf<'a, P>>) {
        self.slots.push(id.id().map(|id| P::Aggregate::SLOT.of(id)).into_iter().collect());
    }

    /// Adds the aggregates of a parameter of type `P`, one per id.
    pub fn many<'a, P: AggregateParameter<'a>, I: Identifies<IdOf<'a, P>>>(
        &mut self,
        ids: impl IntoIterator<Item = I>,
    ) {
        self.slots.push(ids.into_iter().map(|id| P::Aggregate::SLOT.of(id.id())).collect());
    }
}

/// The loaded aggregates of a command, in the order of its parameters.
pub struct Loaded<'a> {
    pub(crate) slots: Vec<LoadedSlot<'a>>,
}

opaque_debug!(Loaded<'_>);

/// The aggregates of one parameter.
pub struct LoadedSlot<'a> {
    pub(crate) states: Vec<LoadedState<'a>>,
}

opaque_debug!(LoadedSlot<'_>);

/// A loaded aggregate.
#[derive(Clone, Copy)]
pub struct LoadedState<'a> {
    pub(crate) slot: &'a dyn AggregateSlot,
}

opaque_debug!(LoadedState<'_>);

impl<'a> LoadedState<'a> {
    fn downcast<A: Aggregate>(&self) -> Option<&'a A> {
        self.slot.state().downcast_ref::<Option<A>>().and_then(Option::as_ref)
    }
}

impl<'a> LoadedSlot<'a> {
    fn one<A: Aggregate>(&self) -> Option<&'a A> {
        self.states.first().and_then(LoadedState::downcast)
    }

    fn entity(&self, index: usize) -> Entity {
        let slot = self.states[index].slot;
        Entity { aggregate: slot.kind().name, id: slot.tag().id().to_owned() }
    }
}

impl<'a> Loaded<'a> {
    /// All of these aggregates.
    pub(crate) fn of(slots: impl Iterator<Item: Iterator<Item = &'a dyn AggregateSlot>>) -> Self {
        let one = |slots| Iterator::map(slots, |slot| LoadedState { slot });
        Self { slots: slots.map(|slots| LoadedSlot { states: one(slots).collect() }).collect() }
    }

    /// The aggregate parameter number `index`, from 0.
    pub fn get<P: AggregateParameter<'a>>(&self, index: usize, meta: &'a Meta) -> Result<P, Refusal> {
        P::take(&self.slots[index], meta)
    }
}
