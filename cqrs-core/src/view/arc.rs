//! A view store behind an `Arc` is a view store, so that an app and other code, or several views, can share one.

use std::sync::Arc;

use super::ViewStore;

#[deny(clippy::missing_trait_methods, reason = "a default would replace what the store itself does")]
impl<S: ViewStore + ?Sized> ViewStore for Arc<S> {
    crate::forward_view_store! {
        self => (**self);
        describe address prepare rows find count exists count_by sum snapshot checkpoint parked probe begin lease
        holders release contents remove database reader
    }
}
