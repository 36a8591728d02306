//! Every fault of one item, collected, so that all of them show at once.

use std::cell::RefCell;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

use crate::rules::Rule;

/// The faults found so far. Parsing and checking go on after one.
///
/// It must be read by [`Errors::into_tokens`]: dropped unread, it panics in debug builds, since a fault would be silent.
#[derive(Default)]
pub struct Errors {
    faults: RefCell<Option<Vec<syn::Error>>>,
}

impl Errors {
    /// An empty collector.
    pub fn new() -> Self {
        Self { faults: RefCell::new(Some(Vec::new())) }
    }

    /// A breach of `rule` at `tokens`; `parts` fill the rule's places.
    pub fn refuse(&self, rule: &Rule, tokens: impl ToTokens, parts: &[&str]) {
        self.push(syn::Error::new_spanned(tokens, rule.message(parts)));
    }

    /// The same, where there is a span and no tokens.
    pub fn refuse_at(&self, rule: &Rule, span: Span, parts: &[&str]) {
        self.push(syn::Error::new(span, rule.message(parts)));
    }

    /// What `syn` could not parse.
    pub fn push(&self, error: syn::Error) {
        if let Some(faults) = &mut *self.faults.borrow_mut() {
            faults.push(error);
        }
    }

    /// The value, or `None` with the error kept.
    pub fn keep<T>(&self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// How many faults there are so far.
    pub fn count(&self) -> usize {
        self.faults.borrow().as_ref().map_or(0, Vec::len)
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.faults.borrow().as_ref().is_none_or(Vec::is_empty)
    }

    /// The faults as `compile_error!`s.
    pub fn into_tokens(self) -> TokenStream {
        let faults = self.faults.take().unwrap_or_default();
        faults.iter().map(syn::Error::to_compile_error).collect()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        let unread = cfg!(debug_assertions) && !std::thread::panicking() && self.faults.borrow().is_some();
        assert!(!unread, "the errors of an item were dropped unread");
    }
}
