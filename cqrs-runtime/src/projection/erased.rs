//! Type-erased projections, for the engine.

use std::marker::PhantomData;

use super::overlay::{
    AnyOverlay, LookUps, LookedUp, Needs, Overlay, Overlays, ParkedAt, Replayed, Rows, Source, Stock, Work,
};
use super::partition::Partition;
use super::{Fold, Handle};
use crate::model::aggregate::FoldError;
use cqrs_core::column::Key;
use cqrs_core::database::Tx;
use cqrs_core::event::RecordedEvent;
use cqrs_core::store_error::{BoxFuture, StoreError};
use cqrs_core::view::{View, ViewTransaction};

/// A projection of either form.
pub(crate) enum ErasedProjection {
    /// Its methods fold.
    Fold(Box<dyn ErasedFold>),
    /// Its methods write.
    Handle(Box<dyn ErasedHandle>),
}

impl ErasedProjection {
    pub(crate) fn fold<P: Fold>() -> Self {
        Self::Fold(Box::new(Folding::<P>(PhantomData)))
    }

    pub(crate) fn handle<P: Handle>() -> Self {
        Self::Handle(Box::new(Handling::<P>(PhantomData)))
    }
}

pub(crate) trait ErasedFold: Send + Sync {
    /// Collects the rows that an event needs.
    fn route(&self, event: &RecordedEvent, needs: &mut Needs, looked_up: &LookedUp) -> Result<(), FoldError>;
    /// Rows in memory, as stored.
    fn overlay(
        &self,
        stock: Stock,
        parked: ParkedAt,
        replay: Option<Replayed>,
        part: Option<Partition>,
    ) -> Box<dyn AnyOverlay>;
    /// Applies an event to rows in memory.
    fn fold(&self, event: &RecordedEvent, others: &Overlays, rows: &mut dyn AnyOverlay) -> Result<(), FoldError>;
    /// The prefix of the tags that carry this view's keys.
    fn key_prefix(&self) -> Option<&'static str>;
}

struct Folding<P>(PhantomData<fn() -> P>);

impl<P: Fold> ErasedFold for Folding<P> {
    fn route(&self, event: &RecordedEvent, needs: &mut Needs, looked_up: &LookedUp) -> Result<(), FoldError> {
        P::fold(event, &LookUps(Source::Route(looked_up)), &mut Rows(Work::Route(needs)))
    }

    fn overlay(
        &self,
        stock: Stock,
        parked: ParkedAt,
        replay: Option<Replayed>,
        part: Option<Partition>,
    ) -> Box<dyn AnyOverlay> {
        Box::new(Overlay::<P::View>::new(P::NAME, stock, parked, replay, part))
    }

    fn fold(&self, event: &RecordedEvent, others: &Overlays, rows: &mut dyn AnyOverlay) -> Result<(), FoldError> {
        let rows = rows.as_any_mut().downcast_mut().expect("the overlay that this very projection made");
        P::fold(event, &LookUps(Source::Fold(others)), &mut Rows(Work::Fold(rows)))
    }

    fn key_prefix(&self) -> Option<&'static str> {
        <P::View as View>::Key::PREFIX
    }
}

pub(crate) trait ErasedHandle: Send + Sync {
    /// Applies an event through the store's own transaction.
    fn handle<'a>(
        &self,
        event: &'a RecordedEvent,
        tx: &'a mut dyn ViewTransaction,
    ) -> Result<BoxFuture<'a, Result<(), FoldError>>, StoreError>;
}

struct Handling<P>(PhantomData<fn() -> P>);

impl<P: Handle> ErasedHandle for Handling<P> {
    fn handle<'a>(
        &self,
        event: &'a RecordedEvent,
        tx: &'a mut dyn ViewTransaction,
    ) -> Result<BoxFuture<'a, Result<(), FoldError>>, StoreError> {
        let tx = tx.database().and_then(|tx| tx.downcast_mut::<Tx<P::Database>>());
        let tx = tx.ok_or_else(|| StoreError::Failed {
            store: "the read side".into(),
            reason: format!("it has no transaction for projection `{}`", P::NAME),
        })?;
        Ok(P::handle(event, tx))
    }
}
