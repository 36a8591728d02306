//! Without feature `metrics`: no-ops, at no cost.

#![allow(clippy::unused_self, reason = "with the feature, they use it")]

use cqrs_core::event::RecordedEvent;
use cqrs_core::position::Position;

use super::Inlined;

#[derive(Clone, Default)]
pub(crate) struct Recorder(());

impl Recorder {
    #[inline]
    pub(crate) fn new(
        _commands: impl Iterator<Item = &'static str>,
        _queries: impl Iterator<Item = &'static str>,
        _inline: impl Iterator<Item = Inlined>,
    ) -> Self {
        Self(())
    }
    #[inline]
    pub(crate) fn command(&self, _name: &'static str) -> Watch {
        Watch
    }
    #[inline]
    pub(crate) fn query(&self, _name: &'static str) -> Watch {
        Watch
    }
    #[inline]
    pub(crate) fn batch(&self, _commands: usize, _waiting: usize) {}
    #[inline]
    pub(crate) fn appending(&self) -> Appending {
        Appending
    }
    #[inline]
    pub(crate) fn found_in_memory(&self, _aggregates: usize) {}
    #[inline]
    pub(crate) fn loaded(&self, _from_snapshots: usize, _all: usize) {}
    #[inline]
    pub(crate) fn folded(&self, _events: &[RecordedEvent]) {}
}

pub(crate) struct Watch;

impl Watch {
    #[inline]
    pub(crate) fn stop(self, _outcome: Result<(), &'static str>) {}
}

pub(crate) struct Appending;

impl Appending {
    #[inline]
    pub(crate) fn done(self, _events: usize, _position: Position) {}
}

#[derive(Clone, Debug)]
pub(crate) struct ProjectionRecorder;

impl ProjectionRecorder {
    #[inline]
    pub(crate) fn new(_projection: &'static str) -> Self {
        Self
    }
    #[inline]
    pub(crate) fn folded(&self, _events: u64) {}
    #[inline]
    pub(crate) fn failed(&self) {}
}

pub(crate) struct PolicyRecorder;

impl PolicyRecorder {
    #[inline]
    pub(crate) fn new(_policy: &'static str) -> Self {
        Self
    }
    #[inline]
    pub(crate) fn handled(&self) {}
    #[inline]
    pub(crate) fn tries_again(&self) {}
}
