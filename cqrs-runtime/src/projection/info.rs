//! A projection, as the macros register it.

use super::{Basis, ErasedProjection};
use crate::model::parameter_info::Resource;
use cqrs_core::view::ViewLayout;

/// A projection.
#[derive(Debug)]
pub struct ProjectionInfo {
    /// Its name.
    pub name: &'static str,
    /// The view that it makes; `None` for an async projection.
    pub view: Option<ViewLayout>,
    /// The events that it listens to.
    pub events: &'static [&'static str],
    /// The names of the views that it looks up.
    pub look_ups: &'static [&'static str],
    /// The database that it writes to, if it is an async projection.
    pub database: Option<Resource>,
    /// What its rows depend on other than the view.
    pub(crate) basis: Basis,
    /// The fingerprint of the view's shape, nested types included.
    pub(crate) shape: Option<fn() -> u64>,
    pub(crate) make: fn() -> ErasedProjection,
}
